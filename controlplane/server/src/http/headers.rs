//! Headers that stand with every answer, for the sake of browsers.

use crate::config::{self, Tls};
use axum::http::{HeaderMap, HeaderValue, header};
use std::net::IpAddr;

/// Nothing is guessed from contents, shown in a frame, told to other sites, or reached by their windows.
const ALWAYS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// Browsers ask for nothing but HTTPS for a month after the last answer (RFC 6797). Not for longer, and for no name below:
/// whoever goes back to a proxy, or has other things at the same name, is not locked out for a year.
const HTTPS_ONLY: &str = "max-age=2592000";

/// Whether answers by a host name bind browsers to HTTPS: where this program speaks it with a certificate that browsers
/// believe. One that it made itself is clicked through, which a browser that is bound refuses; a proxy in front says it for
/// itself; and this machine's own names are everybody's who works on it.
pub(super) fn bind_to_https(config: &config::Http, host: Option<&str>) -> bool {
    let is_believed = matches!(config.tls, Some(Tls::Files { .. } | Tls::Acme(_)));
    let is_name = |host: &str| {
        let is_local = host == "localhost" || host.ends_with(".localhost");
        !(host.is_empty() || is_local || host.parse::<IpAddr>().is_ok())
    };
    is_believed && host.is_some_and(is_name)
}

/// Writes them into an answer.
pub(super) fn add(headers: &mut HeaderMap, https_only: bool) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if https_only {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_bound_by_a_certificate_that_they_believe_and_by_a_name_alone() {
        let files = Tls::Files { certificate: "/a".into(), key: "/b".into() };
        let made = Tls::SelfMade { names: vec!["isp.example".to_owned()] };
        let binds = |tls: Option<&Tls>, https: bool, host: Option<&str>| {
            let config = config::Http { tls: tls.cloned(), https, ..config::Http::default() };
            bind_to_https(&config, host)
        };
        assert!(binds(Some(&files), false, Some("isp.example")));
        for host in
            [None, Some(""), Some("localhost"), Some("a.localhost"), Some("192.0.2.1"), Some("2001:db8::1")]
        {
            assert!(!binds(Some(&files), false, host), "{host:?}");
        }
        assert!(!binds(Some(&made), false, Some("isp.example")), "it is clicked through");
        assert!(!binds(None, true, Some("isp.example")), "a proxy says it for itself");
        assert!(!binds(None, false, Some("isp.example")));
    }
}
