//! Load balancers with private addresses: how each cloud is told.

use super::{Cidr, Family};

/// What an annotation must say.
enum Says {
    /// This, in capitals or not.
    Word(&'static str),
    /// This, to the letter: for anything else the controller makes a public one.
    Exactly(&'static str),
    /// Anything but nothing and `false`.
    Something,
}

/// Annotations that make a load balancer internal.
///
/// Source: the documentation of each cloud's controller for Services of type LoadBalancer.
const INTERNAL: &[(&str, Says)] = &[
    // AWS: the old one takes any value, `0.0.0.0/0` as well.
    ("service.beta.kubernetes.io/aws-load-balancer-internal", Says::Something),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", Says::Word("internal")),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", Says::Exactly("true")),
    ("networking.gke.io/load-balancer-type", Says::Word("internal")),
    ("cloud.google.com/load-balancer-type", Says::Word("internal")),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", Says::Exactly("true")),
    ("service.beta.kubernetes.io/oci-load-balancer-internal", Says::Word("true")),
    ("oci-network-load-balancer.oraclecloud.com/internal", Says::Word("true")),
    ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", Says::Word("intranet")),
    ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", Says::Word("private")),
    ("service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", Says::Something),
    ("service.beta.kubernetes.io/do-loadbalancer-network", Says::Word("internal")),
    ("load-balancer.hetzner.cloud/disable-public-network", Says::Word("true")),
    ("service.beta.kubernetes.io/scw-loadbalancer-private", Says::Word("true")),
    ("yandex.cloud/load-balancer-type", Says::Word("internal")),
    ("service.beta.kubernetes.io/cce-load-balancer-internal-vpc", Says::Word("true")),
];

/// Annotations that make it public, whatever else is said.
const PUBLIC: &[(&str, &str)] =
    &[("service.beta.kubernetes.io/aws-load-balancer-scheme", "internet-facing"), ("tailscale.com/funnel", "true")];

/// Classes whose load balancers are internal unless an annotation says otherwise.
const INTERNAL_CLASSES: [&str; 4] =
    ["service.k8s.aws/nlb", "eks.amazonaws.com/nlb", "networking.gke.io/l4-regional-internal", "tailscale"];
/// By this annotation the controller of AWS takes over, and makes internal ones.
const AWS_TYPE: (&str, [&str; 3]) =
    ("service.beta.kubernetes.io/aws-load-balancer-type", ["external", "nlb-ip", "nlb-instance"]);

/// Annotations that name the addresses of a load balancer.
const ADDRESSES: [&str; 6] = [
    "metallb.io/loadBalancerIPs",
    "metallb.universe.tf/loadBalancerIPs",
    "lbipam.cilium.io/ips",
    "io.cilium/lb-ipam-ips",
    "kube-vip.io/loadbalancerIPs",
    "service.beta.kubernetes.io/azure-load-balancer-ipv4",
];
/// Annotations that name a pool of addresses of MetalLB.
pub const POOLS: [&str; 2] = ["metallb.io/address-pool", "metallb.universe.tf/address-pool"];

/// Annotations with the ranges of clients, separated by commas, beside the field.
pub const SOURCE_RANGES: [&str; 3] = [
    "service.beta.kubernetes.io/load-balancer-source-ranges",
    "service.beta.kubernetes.io/azure-allowed-ip-ranges",
    "service.beta.kubernetes.io/oci-load-balancer-source-ranges",
];

/// Whether a load balancer has private addresses only (`Some(true)`), a public one whatever else is said (`Some(false)`), or whether
/// neither follows from its annotations, its class (`loadBalancerClass`) and its address (`loadBalancerIP`), the last two of which may be
/// empty. `annotation` gives the value of an annotation.
pub fn is_internal<'v>(annotation: impl Fn(&str) -> Option<&'v str>, class: &str, address: &str) -> Option<bool> {
    let says = |key: &str| annotation(key).map(str::trim).filter(|value| !value.is_empty());
    let is_word = |key: &str, word: &str| says(key).is_some_and(|value| value.eq_ignore_ascii_case(word));
    if PUBLIC.iter().any(|(key, word)| is_word(key, word)) {
        return Some(false);
    }
    let by_annotation = INTERNAL.iter().any(|(key, wanted)| match wanted {
        Says::Word(word) => is_word(key, word),
        Says::Exactly(word) => annotation(key) == Some(word),
        Says::Something => says(key).is_some_and(|value| !value.eq_ignore_ascii_case("false")),
    });
    let is_internal = by_annotation
        || INTERNAL_CLASSES.contains(&class)
        || AWS_TYPE.1.iter().any(|kind| is_word(AWS_TYPE.0, kind))
        || ADDRESSES.iter().any(|key| says(key).is_some_and(|list| list.split(',').all(is_private)))
        || is_private(address);
    is_internal.then_some(true)
}

/// Networks that are not on the Internet, with the link-local ones and the host itself.
///
/// Source: RFC 1918, RFC 3927, RFC 4193, RFC 4291, RFC 6598.
const PRIVATE: [&str; 9] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
    "fe80::/10",
];

/// Whether the text is an address of a private network.
pub fn is_private(text: &str) -> bool {
    let Some(address) = Cidr::parse_address(text.trim()) else { return false };
    // `::` and `::1`
    let is_host = address.family == Family::V6 && address.first <= 1;
    is_host || PRIVATE.iter().any(|block| Cidr::parse(block).is_some_and(|block| block.contains(&address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_known() {
        let known = |annotations: &[(&str, &'static str)], class: &str, address: &str| {
            let annotation = |key: &str| annotations.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
            is_internal(annotation, class, address)
        };
        let aws = "service.beta.kubernetes.io/aws-load-balancer-scheme";
        for (annotations, class, address, expected) in [
            (&[][..], "", "", None),
            (&[(aws, "Internal")], "", "", Some(true)),
            (&[(aws, "other")], "", "", None),
            (&[(aws, "internet-facing")], "service.k8s.aws/nlb", "10.0.0.1", Some(false)),
            (&[], "service.k8s.aws/nlb", "", Some(true)),
            (&[], "other", "", None),
            (&[], "", "10.0.0.1", Some(true)),
            (&[], "", "203.0.113.1", None),
            (&[("metallb.io/loadBalancerIPs", "10.0.0.1, fd00::1")], "", "", Some(true)),
            (&[("metallb.io/loadBalancerIPs", "10.0.0.1,203.0.113.1")], "", "", None),
        ] {
            assert_eq!(known(annotations, class, address), expected, "{annotations:?} {class} {address}");
        }
    }

    #[test]
    fn private_addresses() {
        for (text, expected) in [
            ("10.1.2.3", true),
            ("100.64.0.1", true),
            ("172.32.0.1", false),
            ("::1", true),
            ("::ffff:192.168.0.1", true),
            ("2001:db8::1", false),
            ("shop.example", false),
        ] {
            assert_eq!(is_private(text), expected, "{text}");
        }
    }
}
