use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// Addresses that begin alike, such as `10.0.0.0/8` or `2001:db8::/32`; a single address is a range, too.
///
/// An IPv4 address and the IPv6 address that it is mapped to (`::ffff:10.0.0.1`) are the same; `::/0` is
/// therefore every address.
///
/// ```
/// use audit_core::AddressRange;
///
/// let proxies: AddressRange = "10.0.0.0/8".parse()?;
/// assert!(proxies.contains([10, 1, 2, 3].into()));
/// assert!(!proxies.contains([11, 1, 2, 3].into()));
/// # Ok::<(), audit_core::ParseAddressRangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressRange {
    first: Ipv6Addr,
    prefix: u8,
}

impl AddressRange {
    /// Whether the address is one of these.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing = self.first.to_bits() ^ mapped(address).to_bits();
        differing.leading_zeros() >= u32::from(self.prefix)
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self { first: mapped(address), prefix: 128 }
    }
}

impl From<Ipv4Addr> for AddressRange {
    fn from(address: Ipv4Addr) -> Self {
        IpAddr::V4(address).into()
    }
}

impl From<Ipv6Addr> for AddressRange {
    fn from(address: Ipv6Addr) -> Self {
        IpAddr::V6(address).into()
    }
}

/// The text is no [`AddressRange`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a range of addresses: expected one such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1"
)]
pub struct ParseAddressRangeError(String);

impl FromStr for AddressRange {
    type Err = ParseAddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseAddressRangeError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<AddressRange> {
    let Some((address, prefix)) = text.split_once('/') else {
        return text.parse().ok().map(IpAddr::into);
    };
    let address: IpAddr = address.parse().ok()?;
    // `u8` alone would take a sign.
    let prefix = prefix.bytes().all(|byte| byte.is_ascii_digit()).then(|| prefix.parse::<u8>());
    let (longest, before) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
    let prefix = prefix?.ok().filter(|prefix| *prefix <= longest)?;
    Some(AddressRange { first: mapped(address), prefix: before + prefix })
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        range.parse::<AddressRange>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_ends_where_its_prefix_says() {
        assert!(contains("10.0.0.0/8", "10.255.255.255"));
        assert!(!contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("10.9.8.7/8", "10.0.0.1"), "the rest of the address does not count");
        assert!(contains("192.0.2.1", "192.0.2.1"));
        assert!(!contains("192.0.2.1", "192.0.2.2"));
        assert!(contains("192.0.2.0/31", "192.0.2.1"));
        assert!(!contains("192.0.2.0/31", "192.0.2.2"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "203.0.113.9"));
    }

    #[test]
    fn a_mapped_address_is_the_address() {
        assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(contains("::ffff:10.0.0.0/104", "10.0.0.1"));
    }

    #[test]
    fn anything_else_is_an_error() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10/8",
            "proxy",
            "1.1.1.1/8/8",
        ] {
            let error = text.parse::<AddressRange>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is not a range")), "{error}");
        }
    }
}
