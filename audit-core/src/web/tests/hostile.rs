//! Whatever a client sends is bounded, and no error.

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::{ProxyHeader, web::settings::Settings};

async fn sent(headers: &[(&str, &[u8])]) -> AuditContext {
    seen(AuditLayer::new(), request(None, headers)).await
}

#[tokio::test]
async fn a_user_agent_of_a_megabyte_is_cut() {
    let context = sent(&[("user-agent", &vec![b'a'; 1 << 20])]).await;
    assert_eq!(context.get_metadata()["user_agent"], "a".repeat(512));
    let umlauts = "ü".repeat(1 << 19);
    let context = sent(&[("user-agent", format!("a{umlauts}").as_bytes())]).await;
    assert_eq!(context.get_metadata()["user_agent"], format!("a{}", "ü".repeat(255)));
    let context = sent(&[("user-agent", &vec![0xff; 1 << 20])]).await;
    assert_eq!(context.get_metadata()["user_agent"], "\u{fffd}".repeat(170));
}

#[tokio::test]
async fn an_invalid_traceparent_is_dropped() {
    let context = sent(&[("traceparent", b"00-nonsense"), ("user-agent", b"curl")]).await;
    assert!(!context.get_metadata().contains_key("trace_id"));
    assert_eq!(context.get_metadata()["user_agent"], "curl");
}

#[tokio::test]
async fn of_two_request_ids_neither_is_taken() {
    let context = sent(&[("x-request-id", b"req-1"), ("x-request-id", b"req-2")]).await;
    assert!(uuid::Uuid::parse_str(context.get_request_id().unwrap()).is_ok());
}

#[tokio::test]
async fn a_spoofed_address_is_ignored() {
    let context = sent(&[("x-forwarded-for", b"6.6.6.6"), ("forwarded", b"for=6.6.6.6")]).await;
    assert_eq!(context.get_metadata()["ip"], "203.0.113.9");
}

#[tokio::test]
async fn a_path_and_a_method_of_any_length_are_cut() {
    let mut long = request(None, &[]);
    *long.uri_mut() = format!("/{}?{}", "a".repeat(60_000), "b".repeat(5_000)).parse().unwrap();
    *long.method_mut() = "M".repeat(10_000).parse().unwrap();
    let context = seen(AuditLayer::new().with_query(), long).await;
    let length = |key: &str| context.get_metadata()[key].as_str().unwrap().len();
    assert_eq!((length("path"), length("query"), length("method")), (1024, 1024, 32));
}

#[tokio::test]
async fn the_password_of_an_address_is_no_path() {
    let mut absolute = request(None, &[("authorization", b"s3cret"), ("cookie", b"id=s3cret")]);
    *absolute.uri_mut() = "http://ann:s3cret@example.com/posts?token=s3cret".parse().unwrap();
    let context = seen(AuditLayer::new(), absolute).await;
    assert_eq!(context.get_metadata()["path"], "/posts");
    assert!(!format!("{context:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_request_without_a_path_has_none() {
    let mut connect = request(None, &[]);
    *connect.uri_mut() = "example.com:443".parse().unwrap();
    assert!(!seen(AuditLayer::new(), connect).await.get_metadata().contains_key("path"));
}

const NAMES: [&str; 5] =
    ["x-request-id", "traceparent", "user-agent", "x-forwarded-for", "forwarded"];

/// Bytes as a header can have, with a liking for what means something in one.
fn value() -> impl Strategy<Value = HeaderValue> {
    let telling = prop::sample::select(b"\",;=:[]- \\/0fF.\t\xff\xc3".to_vec());
    let bytes = prop::collection::vec(prop_oneof![telling, any::<u8>()], 0..80);
    let known = prop::sample::select(vec![
        "10.0.0.1, ",
        "for=10.0.0.1;",
        "for=\"[::1]:1\",",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-",
    ]);
    (known, bytes, 1_usize..20).prop_filter_map("no header", |(known, bytes, times)| {
        let value = [known.repeat(times).as_bytes(), &bytes].concat();
        HeaderValue::from_bytes(&value).or_else(|_| HeaderValue::from_bytes(known.as_bytes())).ok()
    })
}

proptest! {
    #[test]
    fn any_headers_make_a_bounded_context(
        headers in prop::collection::vec((prop::sample::select(NAMES.to_vec()), value()), 0..8),
        rfc: bool,
    ) {
        let mut request = request(None, &[]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        *request.headers_mut() = map;
        let mut settings = Settings::default();
        settings.client.trusted = vec!["203.0.113.9".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        if rfc {
            settings.client.header = ProxyHeader::Forwarded;
        }
        let context = settings.context(&request.into_parts().0);
        prop_assert!(context.get_request_id().is_none_or(|id| (1..=128).contains(&id.len())));
        for (key, value) in context.get_metadata() {
            let value = value.as_str().unwrap();
            let max = match key.as_str() {
                "path" => 1024,
                "user_agent" => 512,
                "ip" => 45,
                "method" | "trace_id" => 32,
                other => panic!("{other}"),
            };
            prop_assert!((1..=max).contains(&value.len()), "{}: {}", key, value);
        }
        let ip = context.get_metadata()["ip"].as_str().unwrap();
        prop_assert!(ip.parse::<std::net::IpAddr>().is_ok());
    }
}
