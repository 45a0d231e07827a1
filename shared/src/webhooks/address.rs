//! Which addresses may be connected to: none that could lead into a network of ours or of the
//! machine that we run on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::Addresses;

/// The longest address of an endpoint.
const LONGEST: usize = 2048;

/// An address that events are not sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an https address on port 443 that the world can reach, without user or fragment")]
pub struct Refused;

/// Whether events may be sent to `url`, as far as it tells by itself: what a name resolves to is
/// judged at connection.
///
/// # Errors
/// [`Refused`].
pub fn check(url: &Url, addresses: Addresses) -> Result<(), Refused> {
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && url.as_str().len() <= LONGEST;
    let allowed = match addresses {
        Addresses::Private => matches!(url.scheme(), "http" | "https") && url.host().is_some(),
        Addresses::Public => {
            let outside = match url.host() {
                Some(Host::Ipv4(address)) => is_global(address.into()),
                Some(Host::Ipv6(address)) => is_global(address.into()),
                Some(Host::Domain(name)) => name.contains('.'),
                None => false,
            };
            url.scheme() == "https" && url.port_or_known_default() == Some(443) && outside
        }
    };
    if plain && allowed { Ok(()) } else { Err(Refused) }
}

/// Resolves names, and gives only addresses that may be connected to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge {
    addresses: Addresses,
}

impl Judge {
    pub(super) fn new(addresses: Addresses) -> Self {
        Self { addresses }
    }
}

/// The name of an endpoint's host can't be resolved.
#[derive(Debug, thiserror::Error)]
#[error("the name can't be resolved")]
pub(super) struct NotResolved(#[source] std::io::Error);

impl Resolve for Judge {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.addresses;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NotResolved)?;
            Ok(judged(found, addresses)?)
        })
    }
}

fn judged(found: impl Iterator<Item = SocketAddr>, addresses: Addresses) -> Result<Addrs, Refused> {
    let allowed = |it: &SocketAddr| addresses == Addresses::Private || is_global(it.ip());
    let found: Vec<SocketAddr> = found.filter(allowed).collect();
    if found.is_empty() { Err(Refused) } else { Ok(Box::new(found.into_iter())) }
}

/// Whether an address is globally reachable by the registries of special-purpose addresses
/// (RFC 6890), and is neither multicast nor a way to another address.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

const V4_SPECIAL: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    // Of Azure's host to its guests, though it looks like any other.
    ([168, 63, 129, 16], 32),
];

fn is_global_v4(address: Ipv4Addr) -> bool {
    let within = |(net, length): &([u8; 4], u32)| {
        let shift = 32 - length;
        u32::from(address) >> shift == u32::from_be_bytes(*net) >> shift
    };
    !V4_SPECIAL.iter().any(within)
}

/// Only `2000::/3` is given out at all; mapped and translated addresses, unique local, link-local
/// and multicast ones lie outside it.
fn is_global_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let unicast = first & 0xe000 == 0x2000;
    let special = match first {
        // Protocol assignments: Teredo, benchmarks, ORCHID; and documentation.
        0x2001 => second < 0x0200 || second == 0x0db8,
        // 6to4 leads to any IPv4 address.
        0x2002 => true,
        0x3fff => second < 0x1000,
        _ => false,
    };
    unicast && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_not_globally_routable_is_connected_to() {
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ];
        let global = [
            "1.1.1.1",
            "8.8.8.8",
            "52.95.110.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
        ];

        for text in refused {
            assert!(!is_global(text.parse().unwrap()), "{text}");
        }
        for text in global {
            assert!(is_global(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn an_address_is_https_on_443_with_nothing_hidden_in_it() {
        let good = |text: &str, addresses| check(&text.parse().unwrap(), addresses).is_ok();
        let public = |text| good(text, Addresses::Public);

        for text in ["https://example.com/hook?a=b", "https://example.com:443/", "https://8.8.8.8/"]
        {
            assert!(public(text), "{text}");
        }
        for text in [
            "http://example.com/",
            "https://example.com:8443/",
            "https://user@example.com/",
            "https://:pw@example.com/",
            "https://example.com/#a",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://localhost/",
            "https://intranet/",
            "ftp://example.com/",
            "mailto:a@example.com",
        ] {
            assert!(!public(text), "{text}");
        }
        for text in ["http://127.0.0.1:9000/hook", "http://localhost/", "https://intranet/"] {
            assert!(good(text, Addresses::Private), "{text}");
        }
        for text in ["ftp://example.com/", "http://user@127.0.0.1/", "http://127.0.0.1/#a"] {
            assert!(!good(text, Addresses::Private), "{text}");
        }
        assert!(!public(&format!("https://example.com/{}", "a".repeat(2048))));
    }

    #[test]
    fn of_what_a_name_resolves_to_only_global_addresses_are_taken() {
        let found = |texts: &[&str]| {
            let found: Vec<SocketAddr> = texts.iter().map(|text| text.parse().unwrap()).collect();
            judged(found.into_iter(), Addresses::Public).map(Iterator::count)
        };

        assert_eq!(found(&["10.0.0.1:0", "8.8.8.8:0", "[::1]:0"]).ok(), Some(1));
        assert!(found(&["10.0.0.1:0", "[fd00::1]:0"]).is_err());
        assert!(found(&[]).is_err());
    }
}
