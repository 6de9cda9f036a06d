#[cfg(feature = "with-mac_address")]
use super::hex;
#[cfg(feature = "with-ipnetwork")]
use sea_orm::prelude::IpNetwork;
#[cfg(feature = "with-mac_address")]
use sea_orm::sea_query::prelude::MacAddress;

/// Reads a network; an address without a prefix length is a network of one.
#[cfg(feature = "with-ipnetwork")]
pub(super) fn read_ip(text: &str) -> Option<IpNetwork> {
    text.parse().ok()
}

#[cfg(feature = "with-mac_address")]
pub(super) fn write_mac(address: MacAddress) -> String {
    address.bytes().map(|byte| hex::write(&[byte])).join(":")
}

#[cfg(feature = "with-mac_address")]
pub(super) fn read_mac(text: &str) -> Option<MacAddress> {
    let bytes = hex::read(&text.replace(':', ""))?;
    let address = MacAddress::new(bytes.try_into().ok()?);
    write_mac(address).eq_ignore_ascii_case(text).then_some(address)
}
