use super::*;

#[tokio::test]
async fn a_body_may_be_left_out_where_it_may() {
    #[derive(Debug, Default, PartialEq, Eq, serde::Deserialize)]
    struct Wanted {
        send: bool,
    }
    for (body, send) in [("", false), ("null", false), (r#"{"send": true}"#, true)] {
        let request = Request::new(axum::body::Body::from(body));
        let OptionalJson(taken) = OptionalJson::<Wanted>::from_request(request, &()).await.unwrap();
        assert_eq!(taken, Wanted { send }, "{body}");
    }
    let request = Request::new(axum::body::Body::from(r#"{"send": 7}"#));
    let refused = OptionalJson::<Wanted>::from_request(request, &()).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn a_body_of_more_bytes_than_are_taken_is_told_apart_from_a_broken_one() {
    let body = |bytes: usize| Body::from(vec![b' '; bytes]);
    assert_eq!(whole(body(16), 16).await.unwrap().len(), 16);
    let refused = Problem::from(whole(body(17), 16).await.unwrap_err());
    assert_eq!((refused.status, refused.code.as_str()), (413, "body_too_large"));
    assert_eq!(refused.params["limit"], 16);
    let refused = Json::<Value>::from_request(Request::new(body(MAX_BODY_BYTES + 1)), &()).await;
    assert!(matches!(refused, Err(Error::TooLarge { limit: MAX_BODY_BYTES })), "{refused:?}");
}

#[test]
fn a_database_that_is_away_is_no_defect() {
    let told = |error: sqlx::Error| {
        let problem = Problem::from(Error::from(DbError::from(error)));
        (problem.status, problem.code)
    };
    assert_eq!(told(sqlx::Error::PoolTimedOut), (503, "unavailable".to_owned()));
    assert_eq!(told(sqlx::Error::WorkerCrashed), (500, "internal".to_owned()));
}

#[test]
fn what_is_wrong_with_a_body_is_told_without_what_was_in_it() {
    #[derive(Debug, serde::Deserialize)]
    struct Wanted {
        #[allow(dead_code, reason = "only its type matters")]
        count: u8,
    }
    for (body, kept) in [
        (r#"{"count": "hunter2-\"quoted\""}"#, "invalid type: string \"…\", expected u8"),
        (r#"{"count": 1, "count": "hunter2"}"#, "duplicate field `count`"),
        (r#"{"counts": "hunter2"}"#, "missing field `count`"),
        (r#"{"count": "hunter2"#, "EOF while parsing"),
    ] {
        let error = serde_json::from_str::<Wanted>(body).unwrap_err().to_string();
        let told = without_values(&error, body.as_bytes());
        assert!(told.contains(kept) && !told.contains("hunter2"), "{error} became {told}");
    }
}
