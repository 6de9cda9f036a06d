//! The address of the client, as far as it can be known.

mod address;
mod forwarded;
mod range;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Once},
};

use http::request::Parts;

pub use forwarded::ProxyHeader;
pub use range::{AddressRange, ParseAddressRangeError};

/// How many entries a proxy header is read for: more proxies in a row than anybody has.
const MAX_HOPS: usize = 32;

type Peer = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

/// Where a request came from, told by the connection and by those proxies that are trusted.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) peer: Arc<Peer>,
    pub(super) trusted: Vec<AddressRange>,
    pub(super) header: ProxyHeader,
}

impl Default for Client {
    fn default() -> Self {
        Self { peer: Arc::new(peer), trusted: Vec::new(), header: ProxyHeader::default() }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("trusted", &self.trusted)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The nearest address that is no trusted proxy. Whatever is farther is hearsay. A chain of
    /// trusted proxies that ends or breaks off gives the farthest of them.
    pub(super) fn address(&self, request: &Parts) -> Option<IpAddr> {
        let Some(peer) = (self.peer)(request) else {
            warn_once();
            return None;
        };
        let mut client = peer.to_canonical();
        let mut hops = self.header.hops(&request.headers).take(MAX_HOPS);
        while self.trusts(client)
            && let Some(hop) = hops.next()
        {
            client = hop;
        }
        Some(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|range| range.contains(address))
    }
}

fn peer(request: &Parts) -> Option<IpAddr> {
    let of_server = request.extensions.get::<SocketAddr>();
    #[cfg(feature = "axum")]
    let of_server = of_server.or_else(|| {
        use axum::extract::ConnectInfo;
        request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address)
    });
    of_server.map(SocketAddr::ip)
}

/// For the first request of the process: an address that is missing in each entry is noticed late.
fn warn_once() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "no address of the client is recorded: this request has none. In axum, serve \
             `into_make_service_with_connect_info::<SocketAddr>()` and switch on the feature `axum`; elsewhere call \
             `AuditLayer::peer`, or `AuditLayer::without_ip` to record none"
        );
    });
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> Option<String> {
        let mut request = Request::new(()).into_parts().0;
        if let Ok(peer) = peer.parse::<IpAddr>() {
            request.extensions.insert(SocketAddr::new(peer, 4711));
        }
        for line in forwarded {
            let line = http::HeaderValue::from_bytes(line.as_bytes()).unwrap();
            request.headers.append("x-forwarded-for", line);
        }
        let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|range| range.parse().unwrap());
        let client = Client { trusted: trusted.into(), ..Client::default() };
        client.address(&request).map(|ip| ip.to_string())
    }

    #[test]
    fn a_stranger_cannot_say_where_a_request_came_from() {
        assert_eq!(client("203.0.113.9", &["6.6.6.6"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(client("::ffff:203.0.113.9", &["6.6.6.6"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(client("", &["6.6.6.6"]), None, "nobody knows the peer");
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_is_the_client() {
        for (forwarded, ip) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (&["6.6.6.6", "203.0.113.9", "10.0.0.2,10.0.0.3"], "203.0.113.9"),
            (&["ü\", 203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9:55001"], "203.0.113.9"),
            (&["6.6.6.6, [2001:db8::9]:55001"], "2001:db8::9"),
            (&["6.6.6.6, 2001:db8::9, 2001:db8:ffff::1"], "2001:db8::9"),
            (&["6.6.6.6, ::ffff:203.0.113.9, ::ffff:10.0.0.2"], "203.0.113.9"),
        ] {
            assert_eq!(client("10.0.0.1", forwarded).as_deref(), Some(ip), "{forwarded:?}");
            assert_eq!(client("::ffff:10.0.0.1", forwarded).as_deref(), Some(ip), "{forwarded:?}");
        }
    }

    #[test]
    fn what_is_malformed_ends_the_walk_at_the_last_proxy() {
        for (forwarded, ip) in [
            (&[][..], "10.0.0.1"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&[""], "10.0.0.1"),
            (&["6.6.6.6, "], "10.0.0.1"),
            (&["6.6.6.6,, 10.0.0.2"], "10.0.0.2"),
            (&["6.6.6.6", ""], "10.0.0.1"),
            (&["6.6.6.6, unknown"], "10.0.0.1"),
            (&["6.6.6.6, unix:"], "10.0.0.1"),
            (&["6.6.6.6, 10.0.0.256, 10.0.0.2"], "10.0.0.2"),
            (&["6.6.6.6, ü"], "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", forwarded).as_deref(), Some(ip), "{forwarded:?}");
        }
    }

    #[test]
    fn a_walk_has_an_end() {
        let endless = format!("6.6.6.6{}", ", 10.0.0.2".repeat(100));
        assert_eq!(client("10.0.0.1", &[&endless]).as_deref(), Some("10.0.0.2"));
        let longest = format!("203.0.113.9{}", ", 10.0.0.2".repeat(MAX_HOPS - 1));
        assert_eq!(client("10.0.0.1", &[&longest]).as_deref(), Some("203.0.113.9"));
        let longer = format!("{longest}, 10.0.0.2");
        assert_eq!(client("10.0.0.1", &[&longer]).as_deref(), Some("10.0.0.2"));
    }
}
