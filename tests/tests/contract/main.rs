//! The contract and the seed's promises, from outside: names begin with the promise's number.

mod accounts;
mod ahead;
mod bounce;
mod command_line;
mod decisions;
mod doors;
mod exemptions;
mod http_api;
mod incoming;
mod mail_rules;
mod mailboxes;
mod notifications;
mod privacy;
mod protection;
mod sent;
mod state;
mod submission;
mod switch;
mod table;
mod transport;
mod ways;
