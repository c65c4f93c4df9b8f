//! What an attempt's connections showed.

use guarantee::{Facts, Handshake, PlannedHost, Sighting, Verdict, policy_sightings, sighting};

/// Takes note of what is seen of a next hop.
pub(crate) struct Log<'a> {
    facts: &'a Facts,
    sightings: Vec<Sighting>,
}

impl<'a> Log<'a> {
    /// With what the look-ups themselves have to tell.
    pub(crate) fn new(facts: &'a Facts) -> Self {
        Self { facts, sightings: policy_sightings(facts) }
    }

    /// A connection was judged. Tries that only lead to another are not counted.
    pub(crate) fn judged(&mut self, planned: &PlannedHost, seen: &Handshake, verdict: &Verdict) {
        if *verdict != Verdict::Again {
            self.sightings.extend(sighting(self.facts, planned, seen, verdict));
        }
    }

    pub(crate) fn into_sightings(self) -> Vec<Sighting> {
        self.sightings
    }
}
