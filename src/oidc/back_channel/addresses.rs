//! Which addresses logout tokens are sent to: a registered address must not make this server talk to its own network.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// What an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A host of the public internet.
    Public,
    /// This host, or one of the same network: refused, unless it is allowed.
    Local,
    /// Nobody who could be a client: cloud metadata, groups, forms that hide another address. Always refused.
    Never,
}

/// Follows the IANA registries of special-purpose addresses (RFC 6890 and its updates).
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let within = |networks: &[(Ipv4Addr, u8)]| {
        let holds = |&(network, prefix)| same_prefix(address.to_bits(), network, prefix);
        networks.iter().any(holds)
    };
    match () {
        () if within(&NEVER_V4) => Reach::Never,
        () if within(&LOCAL_V4) => Reach::Local,
        () => Reach::Public,
    }
}

fn same_prefix(bits: u32, network: Ipv4Addr, prefix: u8) -> bool {
    let differ = bits ^ network.to_bits();
    differ.checked_shr(32 - u32::from(prefix)).unwrap_or(0) == 0
}

const LOCAL_V4: [(Ipv4Addr, u8); 5] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),     // RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),  // behind a carrier's NAT, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),    // loopback
    (Ipv4Addr::new(172, 16, 0, 0), 12),  // RFC 1918
    (Ipv4Addr::new(192, 168, 0, 0), 16), // RFC 1918
];

const NEVER_V4: [(Ipv4Addr, u8); 12] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8), // "this network"; Linux takes 0.0.0.0 for loopback
    (Ipv4Addr::new(100, 100, 100, 200), 32), // metadata of a cloud
    (Ipv4Addr::new(168, 63, 129, 16), 32), // metadata of another
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local, and metadata of most clouds
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments, and metadata of one more
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24), // relays of 6to4
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4), // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4), // reserved, and broadcast
];

/// Of IPv6 only global unicast is public, and without the parts that hold an IPv4 address or belong to protocols.
fn reach_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    let is_local = address.is_loopback() || segments[0] & 0xfe00 == 0xfc00;
    if is_local && address != METADATA_V6 {
        return Reach::Local;
    }
    match segments {
        [0x2001, 0..=0x01ff, ..] => Reach::Never, // protocol assignments: Teredo, ORCHID, benchmarks
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Never, // documentation
        [0x2002, ..] => Reach::Never,             // 6to4
        [0x2000..=0x3fff, ..] => Reach::Public,
        // Unspecified, v4-mapped and v4-compatible, NAT64, discard-only, site-local, link-local, multicast, and what nobody has been given.
        _ => Reach::Never,
    }
}

/// The IPv6 address of a cloud's metadata, among the unique local ones.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Addresses with the same beginning, such as `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same_prefix(address.to_bits(), network, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differ = address.to_bits() ^ network.to_bits();
                differ
                    .checked_shr(128 - u32::from(self.prefix))
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = text.split_once('/').ok_or(())?;
        let address: IpAddr = address.parse().map_err(drop)?;
        let prefix = prefix.parse().map_err(drop)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        match prefix <= bits {
            true => Ok(Self { address, prefix }),
            false => Err(()),
        }
    }
}

/// Which addresses are connected to.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    /// Local ones that are allowed all the same.
    pub(super) allowed: Vec<Network>,
    /// All local ones are.
    pub(super) all_local: bool,
}

impl Addresses {
    pub(super) fn permit(&self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Local => {
                self.all_local || self.allowed.iter().any(|network| network.holds(address))
            }
            Reach::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use url::{Host, Url};

    use super::*;

    /// What a host in a URL is, once it is read as browsers and `reqwest` read it.
    fn reach_of_host(host: &str) -> Option<Reach> {
        let url = Url::parse(&format!("https://{host}/logout")).ok()?;
        match url.host()? {
            Host::Ipv4(address) => Some(reach(address.into())),
            Host::Ipv6(address) => Some(reach(address.into())),
            Host::Domain(_) => None,
        }
    }

    #[test]
    fn o7_an_address_is_public_local_or_never_reached() {
        use Reach::{Local, Never, Public};
        for (name, host, expected) in [
            ("a public one", "93.184.215.14", Public),
            ("a resolver", "8.8.8.8", Public),
            ("before 10/8", "9.255.255.255", Public),
            ("after 10/8", "11.0.0.0", Public),
            ("before carriers' NAT", "100.63.255.255", Public),
            ("after carriers' NAT", "100.128.0.0", Public),
            ("before 172.16/12", "172.15.255.255", Public),
            ("after 172.16/12", "172.32.0.0", Public),
            ("after 169.254/16", "169.255.0.0", Public),
            ("before multicast", "223.255.255.255", Public),
            ("after benchmarks", "198.20.0.0", Public),
            ("loopback", "127.0.0.1", Local),
            ("loopback, its end", "127.255.255.255", Local),
            ("loopback, one number", "2130706433", Local),
            ("loopback, hexadecimal", "0x7f000001", Local),
            ("loopback, octal", "0177.0.0.1", Local),
            ("loopback, octal at length", "00000177.1", Local),
            ("loopback, mixed", "0x7f.0.1", Local),
            ("loopback, short", "127.1", Local),
            ("loopback, a dot behind", "127.0.0.1.", Local),
            ("loopback, full width", "１２７.０.０.１", Local),
            ("loopback, percent", "%31%32%37.0.0.1", Local),
            ("10/8", "10.0.0.1", Local),
            ("10/8, octal", "012.0.0.1", Local),
            ("172.16/12", "172.16.0.1", Local),
            ("172.16/12, its end", "172.31.255.255", Local),
            ("192.168/16", "192.168.0.1", Local),
            ("192.168/16, one number", "3232235521", Local),
            ("carriers' NAT", "100.64.0.1", Local),
            ("carriers' NAT, its end", "100.127.255.255", Local),
            ("unspecified", "0.0.0.0", Never),
            ("unspecified, short", "0", Never),
            ("this network", "0.1.2.3", Never),
            ("metadata", "169.254.169.254", Never),
            ("metadata, one number", "2852039166", Never),
            ("metadata, hexadecimal", "0xA9FEA9FE", Never),
            ("metadata of containers", "169.254.170.2", Never),
            ("metadata among carriers' NAT", "100.100.100.200", Never),
            ("metadata among public ones", "168.63.129.16", Never),
            ("protocol assignments", "192.0.0.192", Never),
            ("documentation 1", "192.0.2.1", Never),
            ("documentation 2", "198.51.100.1", Never),
            ("documentation 3", "203.0.113.1", Never),
            ("6to4 relay", "192.88.99.1", Never),
            ("benchmarks", "198.18.0.1", Never),
            ("benchmarks, their end", "198.19.255.255", Never),
            ("multicast", "224.0.0.1", Never),
            ("multicast, its end", "239.255.255.255", Never),
            ("reserved", "240.0.0.1", Never),
            ("broadcast", "255.255.255.255", Never),
            (
                "v6 public",
                "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]",
                Public,
            ),
            ("v6 public, with v4 digits", "[2a00::8.8.8.8]", Public),
            ("v6 loopback", "[::1]", Local),
            ("v6 loopback at length", "[0:0:0:0:0:0:0:1]", Local),
            ("v6 unique local", "[fc00::1]", Local),
            ("v6 unique local, its end", "[fdff:ffff::1]", Local),
            ("v6 metadata", "[fd00:ec2::254]", Never),
            ("v6 unspecified", "[::]", Never),
            ("v6 link-local", "[fe80::1]", Never),
            ("v6 link-local, its end", "[febf::1]", Never),
            ("v6 site-local", "[fec0::1]", Never),
            ("v6 multicast", "[ff02::1]", Never),
            ("v4-mapped loopback", "[::ffff:127.0.0.1]", Never),
            ("v4-mapped public", "[::ffff:8.8.8.8]", Never),
            ("v4-mapped metadata", "[::ffff:a9fe:a9fe]", Never),
            ("v4-compatible", "[::127.0.0.1]", Never),
            ("v4-translated", "[::ffff:0:127.0.0.1]", Never),
            ("NAT64", "[64:ff9b::7f00:1]", Never),
            ("NAT64, local", "[64:ff9b:1::a00:1]", Never),
            ("6to4 of loopback", "[2002:7f00:1::]", Never),
            ("Teredo", "[2001::1]", Never),
            ("ORCHID", "[2001:20::1]", Never),
            ("v6 benchmarks", "[2001:2::1]", Never),
            ("v6 documentation", "[2001:db8::1]", Never),
            ("v6 documentation, new", "[3fff::1]", Never),
            ("v6 after documentation", "[3fff:1000::1]", Public),
            ("v6 discard", "[100::1]", Never),
            ("v6 segment routing", "[5f00::1]", Never),
            ("v6 given to nobody", "[4000::1]", Never),
        ] {
            assert_eq!(reach_of_host(host), Some(expected), "{name}: {host}");
        }
    }

    #[test]
    fn o7_local_addresses_are_allowed_by_network() {
        let some = Addresses {
            allowed: ["10.1.0.0/16", "fd12::/16", "127.0.0.1/32"]
                .map(|network| network.parse().unwrap())
                .to_vec(),
            all_local: false,
        };
        let all = Addresses {
            allowed: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
            all_local: true,
        };
        for (name, address, by_default, with_some, with_all) in [
            ("public", "8.8.8.8", true, true, true),
            ("in the network", "10.1.255.255", false, true, true),
            ("beside it", "10.2.0.0", false, false, true),
            ("one host", "127.0.0.1", false, true, true),
            ("its neighbour", "127.0.0.2", false, false, true),
            ("v6 in the network", "fd12:1::1", false, true, true),
            ("v6 beside it", "fd13::1", false, false, true),
            ("v4-mapped", "::ffff:10.1.0.1", false, false, false),
            ("metadata", "169.254.169.254", false, false, false),
            ("v6 link-local", "fe80::1", false, false, false),
        ] {
            let address = address.parse().unwrap();
            let permitted = [Addresses::default(), some.clone(), all.clone()]
                .map(|addresses| addresses.permit(address));
            assert_eq!(permitted, [by_default, with_some, with_all], "{name}");
        }
    }

    #[test]
    fn o7_a_network_is_an_address_and_a_prefix() {
        for (name, text, is_one) in [
            ("v4", "10.0.0.0/8", true),
            ("everything", "0.0.0.0/0", true),
            ("v6", "fd00::/8", true),
            ("no prefix", "10.0.0.0", false),
            ("too long a prefix", "10.0.0.0/33", false),
            ("too long a prefix of v6", "fd00::/129", false),
            ("a name", "localhost/8", false),
            ("a sign", "10.0.0.0/-1", false),
            ("nothing", "", false),
        ] {
            assert_eq!(text.parse::<Network>().is_ok(), is_one, "{name}");
        }
    }
}
