//! Load balancers with private addresses: those that are known, and those that the settings name.

use palisade_sdk::network::balancers;
use palisade_sdk::{Map, glob};

use crate::Settings;
use crate::services::ServiceSpec;

pub use balancers::SOURCE_RANGES;

/// Whether a load balancer has a private address only.
pub fn is_internal(settings: &Settings, annotations: &Map<'_>, spec: &ServiceSpec<'_>) -> bool {
    let annotation = |key: &str| annotations.get(key).map(|value| &**value);
    let class = spec.load_balancer_class.as_str();
    let listed = |patterns: &[String], text: &str| patterns.iter().any(|pattern| glob::matches(pattern, text));
    let known = balancers::is_internal(annotation, class, &spec.load_balancer_ip);
    known.unwrap_or_else(|| {
        let pool = |key: &&str| annotation(key).map(str::trim).filter(|pool| !pool.is_empty());
        (!class.is_empty() && listed(&settings.internal_load_balancer_classes, class))
            || balancers::POOLS.iter().filter_map(pool).any(|pool| listed(&settings.internal_address_pools, pool))
    })
}
