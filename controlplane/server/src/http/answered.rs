//! How many requests were answered, by method, route and kind of answer, and how long each took: for `/metrics`.

use atalaya_kernel::figures::{self, Histogram};
use axum::http::StatusCode;
use parking_lot::Mutex;
use std::{collections::BTreeMap, time::Duration};

const NAME: &str = "atalaya_http_request_duration_seconds";
/// Files and pages of the web app, and what is no route at all: anybody can ask for any path, and none is a label.
const NO_ROUTE: &str = "other";

/// Of a route, by method and first digit of the status.
type OfRoute = BTreeMap<(&'static str, u16), Histogram>;

/// Counts since the process began. There are as many as there are routes, whatever is asked for.
#[derive(Debug, Default)]
pub(super) struct Answered(Mutex<BTreeMap<String, OfRoute>>);

impl Answered {
    /// Counts an answer. The method is one that everybody knows, the route the pattern that matched.
    pub(super) fn note(&self, method: &'static str, route: Option<&str>, status: StatusCode, took: Duration) {
        let route = route.unwrap_or(NO_ROUTE);
        let kind = (method, status.as_u16() / 100);
        let mut routes = self.0.lock();
        if let Some(of_route) = routes.get_mut(route) {
            of_route.entry(kind).or_default().note(took);
            return;
        }
        routes.entry(route.to_owned()).or_default().entry(kind).or_default().note(took);
    }

    /// In the Prometheus text format.
    pub(super) fn text(&self) -> String {
        let routes = self.0.lock().clone();
        let mut text = figures::heading(NAME, "Time until the answer began, by method, route and status.");
        for (route, of_route) in &routes {
            for ((method, class), took) in of_route {
                let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{class}xx\"");
                took.write(&mut text, NAME, &labels);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_its_route_and_what_is_none_for_no_path() {
        let answered = Answered::default();
        let took = Duration::from_millis(3);
        for (route, status) in [
            (Some("/api/v1/sites/{id}"), StatusCode::OK),
            (Some("/api/v1/sites/{id}"), StatusCode::CREATED),
            (Some("/api/v1/sites/{id}"), StatusCode::NOT_FOUND),
            (None, StatusCode::OK),
        ] {
            answered.note("GET", route, status, took);
        }
        let text = answered.text();
        for line in [
            "_count{method=\"GET\",route=\"/api/v1/sites/{id}\",status=\"2xx\"} 2",
            "_count{method=\"GET\",route=\"/api/v1/sites/{id}\",status=\"4xx\"} 1",
            "_count{method=\"GET\",route=\"other\",status=\"2xx\"} 1",
            "_bucket{method=\"GET\",route=\"other\",status=\"2xx\",le=\"0.005\"} 1",
        ] {
            assert!(text.contains(&format!("{NAME}{line}\n")), "{line}: {text}");
        }
        assert_eq!(text.matches("# TYPE").count(), 1);
    }
}
