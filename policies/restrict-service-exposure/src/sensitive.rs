//! Ports that nobody outside has business with: those that are known, as the settings change them.

use palisade_sdk::network::sensitive;

use crate::Settings;

pub use sensitive::by_name;

/// What a port with this number serves, where that is sensitive.
pub fn by_number(settings: &Settings, number: u32) -> Option<&'static str> {
    if settings.harmless_ports.contains(&number) {
        return None;
    }
    if settings.sensitive_ports.contains(&number) {
        return Some("what the settings call sensitive");
    }
    sensitive::by_number(number)
}
