//! The contract and the seed's promises, from outside: names begin with the promise's number.

mod bounce;
mod exemptions;
mod http_api;
mod notifications;
mod privacy;
mod protection;
mod sent;
mod state;
mod submission;
mod switch;
mod table;
mod ways;
