//! What an attempt's connections showed.

use guarantee::{Facts, Handshake, PlannedHost, Sighting, Verdict, policy_sightings, sighting};

/// Takes note of what is seen of a next hop.
pub(crate) struct Log<'a> {
    facts: &'a Facts,
    sightings: Vec<Sighting>,
    /// How many there were before the last connection.
    before: usize,
}

impl<'a> Log<'a> {
    /// With what the look-ups themselves have to tell.
    pub(crate) fn new(facts: &'a Facts) -> Self {
        let sightings = policy_sightings(facts);
        Self { facts, before: sightings.len(), sightings }
    }

    /// A connection was judged. Tries that only lead to another are not counted.
    pub(crate) fn judged(&mut self, planned: &PlannedHost, seen: &Handshake, verdict: &Verdict) {
        if *verdict != Verdict::Again {
            self.before = self.sightings.len();
            self.sightings.extend(sighting(self.facts, planned, seen, verdict));
        }
    }

    /// The last connection was kept from another mail and had ended since: this mail has met nothing there.
    pub(crate) fn take_back(&mut self) {
        self.sightings.truncate(self.before);
    }

    pub(crate) fn into_sightings(self) -> Vec<Sighting> {
        self.sightings
    }
}
