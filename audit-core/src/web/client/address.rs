use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An address as proxies write it: alone, in brackets, with a port.
pub(super) fn parse(text: &str) -> Option<IpAddr> {
    let text = trim(text);
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let address = text.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    Some(address.or_else(|| bracketed().map(IpAddr::V6))?.to_canonical())
}

/// Without the blanks that a header may have around its parts.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_an_address() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1:80\t", "192.0.2.1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), address);
        }
        for text in ["", "unknown", "_hidden", "192.0.2", "192.0.2.1:", "0x7f.1", "[192.0.2.1]"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
