//! Is this address one of the public network? 15a, "Private addresses".
//!
//! A granted name says whom the publisher means; where the name leads is the answer of somebody's DNS server. An answer
//! that leads into the user's own network, or to a cloud's metadata service, is not what was granted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address may be the answer for a granted name: not loopback, link-local, private, unspecified, shared,
/// multicast or reserved. An IPv4 address inside an IPv6 one (mapped, compatible, NAT64, 6to4) is judged as itself.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_this_network = first == 0;
    let is_shared = first == 100 && second & 0xc0 == 64; // RFC 6598
    let is_protocol = (first, second, third) == (192, 0, 0); // RFC 6890; one cloud's metadata service is here
    let is_reserved = first >= 240;
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || is_this_network
        || is_shared
        || is_protocol
        || is_reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let is_site_local = address.segments()[0] & 0xffc0 == 0xfec0;
    !(address.is_loopback()
        || address.is_unspecified()
        || address.is_unicast_link_local()
        || address.is_unique_local()
        || address.is_multicast()
        || is_site_local)
}

/// The IPv4 address a gateway or the local stack would really dial.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(v4(high, low)), // mapped
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)), // NAT64
        [0x64, 0xff9b, 1, _, _, _, high, low] => Some(v4(high, low)), // local-use NAT64
        [0, 0, 0, 0, 0, 0, high, low] if high > 0 => Some(v4(high, low)), // compatible
        [0x2002, high, low, ..] => Some(v4(high, low)),            // 6to4
        _ => None,
    }
}
