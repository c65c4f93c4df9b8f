//! Roundcube, the plugin's second host.

/// Starts what the page that Roundcube shows has a place for.
pub fn start() {}
