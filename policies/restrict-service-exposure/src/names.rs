//! Host names that lead where no name from outside should.

use palisade_sdk::network::balancers::is_private;

/// Where clouds hand out credentials, and names of the host itself.
const HOSTS: [&str; 8] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "localhost",
    "ip6-localhost",
    "host.docker.internal",
];
/// The same by address: of most clouds, of Alibaba, and what Azure gives its machines their configuration by.
const METADATA: [&str; 3] = ["169.254.169.254", "100.100.100.200", "168.63.129.16"];
/// Names below these are this host.
const SUFFIXES: [&str; 2] = [".localhost", ".localdomain"];
/// Services that answer with the address that is written in the name.
const WILDCARD_DNS: [&str; 5] = [".nip.io", ".sslip.io", ".xip.io", ".localtest.me", ".lvh.me"];

/// Where an ExternalName leads, if it leads inside.
pub enum Inside {
    /// To the metadata service, this host, or a private address.
    Private(&'static str),
    /// To a Service of the cluster, in this namespace.
    Cluster(String),
}

/// Looks at a host name.
pub fn inside(name: &str) -> Option<Inside> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if HOSTS.iter().any(|host| name == *host) || SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        let is_host = name.contains("local") || name.contains("docker");
        return Some(Inside::Private(if is_host { "the host itself" } else { "the metadata service of the cloud" }));
    }
    let as_c = address_as_c_reads_it(&name).unwrap_or_default();
    for address in [name.as_str(), as_c.as_str()] {
        if METADATA.contains(&address) {
            return Some(Inside::Private("the metadata service of the cloud"));
        }
        if is_private(address) {
            return Some(Inside::Private("a private address"));
        }
    }
    if let Some(rest) = WILDCARD_DNS.iter().find_map(|suffix| name.strip_suffix(suffix)) {
        if has_private_address(rest) {
            return Some(Inside::Private("a private address, written in the name"));
        }
    } else if WILDCARD_DNS.iter().any(|suffix| name == suffix.trim_start_matches('.')) {
        return Some(Inside::Private("the host itself"));
    }
    // NAME.NAMESPACE.svc, with the cluster's domain behind it or not.
    let mut parts = name.split('.');
    let (service, namespace, svc) = (parts.next()?, parts.next()?, parts.next()?);
    let rest: Vec<&str> = parts.collect();
    let is_cluster = svc == "svc" && (rest.is_empty() || rest == ["cluster", "local"] || rest.len() > 1);
    (is_cluster && !service.is_empty()).then(|| Inside::Cluster(namespace.to_owned()))
}

/// The address, with dots, that C libraries make of a name which is but numbers: `127.1`, `0x7f.0.0.1`, `2130706433`.
///
/// Source: POSIX, inet_addr. A name that ends with a number is no host name.
fn address_as_c_reads_it(name: &str) -> Option<String> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse::<u32>().ok(),
    };
    let numbers = name.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let (last, bytes) = numbers.split_last()?;
    if bytes.len() > 3 {
        return None;
    }
    // The last one fills what is left.
    let left = 4 - u32::try_from(bytes.len()).ok()?;
    let mut address = u64::from(*last);
    if address >> (8 * left) != 0 {
        return None;
    }
    for (place, byte) in bytes.iter().enumerate() {
        let byte = u8::try_from(*byte).ok()?;
        address |= u64::from(byte) << (24 - 8 * place);
    }
    let bytes = u32::try_from(address).ok()?.to_be_bytes().map(|byte| byte.to_string());
    Some(bytes.join("."))
}

/// Whether a name has a private address in it, with dots or dashes: `app.10.0.0.1`, `10-0-0-1`. A name without any address is that of
/// the host itself (`lvh.me`).
fn has_private_address(name: &str) -> bool {
    let parts: Vec<&str> = name.split(['.', '-']).collect();
    let mut has_address = false;
    for address in parts.windows(4) {
        let address = address.join(".");
        if palisade_sdk::network::Cidr::parse_address(&address).is_some() {
            has_address = true;
            if is_private(&address) {
                return true;
            }
        }
    }
    !has_address
}
