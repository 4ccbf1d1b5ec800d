//! What each operation can refuse with, from what it declares: who may call it, its parameters, its body. A handler names only
//! what is its own, as "`code`: sentence".

use super::{PROBLEM, PROBLEM_TYPE, as_json, permission};
use crate::http::{auth, idempotent};
use atalaya_kernel::{
    Error,
    http::{MAX_BODY_BYTES, Problem},
    time::Timestamp,
};
use atalaya_people::tenancy;
use serde_json::Value;
use std::net::Ipv4Addr;
use utoipa::openapi::{
    Content, Ref, RefOr, Response,
    path::{Operation, ParameterIn},
};

/// What any operation may be answered when something is away or broken here.
const FAILED: &str = "Failed";

/// A refusal that many operations have in common.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Unauthenticated,
    WrongLogIn,
    PermissionMissing,
    StepUpRequired,
    ForeignPage,
    AddressNotAllowed,
    NotFound,
    ReadOnly,
    Unanswered,
    VersionConflict,
    TooLarge,
    Invalid,
    VersionRequired,
    RateLimited,
    Unavailable,
}

impl Refusal {
    /// Of those with the same status, the one that says most comes first.
    const ALL: [Self; 15] = [
        Self::Unauthenticated,
        Self::WrongLogIn,
        Self::PermissionMissing,
        Self::StepUpRequired,
        Self::ForeignPage,
        Self::AddressNotAllowed,
        Self::NotFound,
        Self::ReadOnly,
        Self::Unanswered,
        Self::VersionConflict,
        Self::TooLarge,
        Self::Invalid,
        Self::VersionRequired,
        Self::RateLimited,
        Self::Unavailable,
    ];

    /// Its name in the document, its status, and when it is answered.
    const fn told(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Unauthenticated => {
                ("Unauthenticated", "401", "`unauthenticated`: no session, key or token that is good")
            }
            Self::WrongLogIn => (
                "WrongLogIn",
                "401",
                "`wrong_login`: wrong e-mail, password or code; `unauthenticated` where one has to be logged in",
            ),
            Self::PermissionMissing => (
                "PermissionMissing",
                "403",
                "`permission_missing`: the right that `x-permission` names, or `csrf`, the token beside a cookie; `step_up_required` for a dangerous operation",
            ),
            Self::StepUpRequired => (
                "StepUpRequired",
                "403",
                "`step_up_required`: it is too long since the caller showed who they are; `permission_missing` without the token beside a cookie",
            ),
            Self::ForeignPage => {
                ("ForeignPage", "403", "`permission_missing`: a cookie without its `X-CSRF-Token`")
            }
            Self::AddressNotAllowed => (
                "AddressNotAllowed",
                "403",
                "`address_not_allowed`: the installation lets in only some addresses",
            ),
            Self::NotFound => ("NotFound", "404", "`not_found`: no such thing, or another ISP's"),
            Self::ReadOnly => {
                ("ReadOnly", "409", "`tenant_read_only`: the ISP can change nothing at present")
            }
            Self::Unanswered => (
                "Unanswered",
                "409",
                "`idempotency_unanswered`: it was done with this key before, or is being done, and its answer is not known",
            ),
            Self::VersionConflict => {
                ("VersionConflict", "412", "`version_conflict`: somebody else changed it first")
            }
            Self::TooLarge => ("TooLarge", "413", "`body_too_large`: more bytes than `params.limit`"),
            Self::Invalid => (
                "Invalid",
                "422",
                "`invalid`: `errors` says which fields are wrong; `idempotency_mismatch` for a key that was used for something else",
            ),
            Self::VersionRequired => {
                ("VersionRequired", "428", "`version_required`: a change without `If-Match`")
            }
            Self::RateLimited => (
                "RateLimited",
                "429",
                "`rate_limited`: too often; `params.retry_after_s` says how long to wait",
            ),
            Self::Unavailable => ("Unavailable", "503", "`unavailable`: something needed is away"),
        }
    }

    fn status(self) -> &'static str {
        self.told().1
    }

    /// One of it, as it is answered.
    fn problem(self) -> Problem {
        match self {
            Self::Unauthenticated => Error::Unauthenticated.into(),
            Self::WrongLogIn => Problem::wrong_login(),
            Self::PermissionMissing => Error::Forbidden("customer.write").into(),
            Self::StepUpRequired => Error::StepUpRequired.into(),
            Self::ForeignPage => Error::Forbidden("csrf").into(),
            Self::AddressNotAllowed => Problem::address_not_allowed(Ipv4Addr::new(203, 0, 113, 7).into()),
            Self::NotFound => Error::NotFound.into(),
            Self::ReadOnly => {
                // 2026-11-01T00:00:00Z.
                let since = Timestamp::from_millis(1_793_491_200_000);
                tenancy::read_only_since("the subscription is overdue", Some(since)).into()
            }
            Self::Unanswered => idempotent::unanswered().into(),
            Self::VersionConflict => Error::VersionConflict { current: 4 }.into(),
            Self::TooLarge => Error::TooLarge { limit: MAX_BODY_BYTES }.into(),
            Self::Invalid => Error::invalid("/name", "required", "must not be empty").into(),
            Self::VersionRequired => Error::VersionRequired.into(),
            Self::RateLimited => Error::RateLimited { retry_after_s: 12 }.into(),
            Self::Unavailable => Error::Unavailable("try again in a while".to_owned()).into(),
        }
    }

    fn reference(self) -> RefOr<Response> {
        RefOr::Ref(Ref::from_response_name(self.told().0))
    }
}

/// The answers that operations refer to, by name.
pub(super) fn shared() -> impl Iterator<Item = (String, RefOr<Response>)> {
    let failed =
        (FAILED, "What went wrong: `code` says it to programs, `detail` to people", Refusal::Unavailable);
    let common = Refusal::ALL.into_iter().map(|refusal| (refusal.told().0, refusal.told().2, refusal));
    common.chain([failed]).map(|(name, says, refusal)| {
        let mut response = Response::new(says);
        let mut content = Content::new(Some(RefOr::Ref(Ref::new(PROBLEM))));
        content.example = Some(shown(refusal.problem()));
        response.content.insert(PROBLEM_TYPE.to_owned(), RefOr::T(content));
        (name.to_owned(), RefOr::T(response))
    })
}

/// Lists what an operation can refuse with. What it words itself stays as it says.
pub(super) fn list(method: &str, path: &str, operation: &mut Operation) {
    for refusal in of(method, path, operation) {
        let responses = &mut operation.responses.responses;
        if !responses.get(refusal.status()).is_some_and(has_words) {
            responses.insert(refusal.status().to_owned(), refusal.reference());
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let Some(common) = Refusal::ALL.into_iter().find(|refusal| refusal.status() == status) else {
            continue;
        };
        if let RefOr::T(own) = response
            && !own.description.is_empty()
        {
            show_own(own, common);
        } else if matches!(response, RefOr::T(_)) {
            *response = common.reference();
        }
    }
    let failed = RefOr::Ref(Ref::from_response_name(FAILED));
    operation.responses.responses.insert("default".to_owned(), failed);
}

fn has_words(response: &RefOr<Response>) -> bool {
    matches!(response, RefOr::T(own) if !own.description.is_empty())
}

/// What follows from an operation's permission, parameters and body.
fn of(method: &str, path: &str, operation: &Operation) -> Vec<Refusal> {
    let permission = permission(operation);
    let (is_public, is_platform) = (permission == "public", path.starts_with("/platform/"));
    let names_a_right = !matches!(&*permission, "public" | "authenticated" | "platform");
    let changes = method != "get";
    let has_body = operation.request_body.is_some();
    let declares = |status: &str| operation.responses.responses.contains_key(status);
    let takes = |place: ParameterIn, name: Option<&str>| {
        operation.parameters.iter().flatten().any(|parameter| match parameter {
            RefOr::T(parameter) => {
                parameter.parameter_in == place && name.is_none_or(|name| parameter.name == name)
            }
            RefOr::Ref(_) => false,
        })
    };
    let has_key = takes(ParameterIn::Header, Some("Idempotency-Key"));
    let has_version = takes(ParameterIn::Header, Some("If-Match"));
    let changes_the_isp = changes && !is_public && !is_platform && !auth::is_own_log_in(method, path);
    let who = if declares("401") && has_body {
        Some(Refusal::WrongLogIn)
    } else {
        (!is_public).then_some(Refusal::Unauthenticated)
    };
    let may = if names_a_right {
        Refusal::PermissionMissing
    } else if declares("403") {
        Refusal::StepUpRequired
    } else if changes && !is_public {
        Refusal::ForeignPage
    } else {
        Refusal::AddressNotAllowed
    };
    let state =
        if changes_the_isp { Some(Refusal::ReadOnly) } else { has_key.then_some(Refusal::Unanswered) };
    // Log-ins are counted by address, what somebody of an ISP asks for by the ISP and the key.
    let is_counted = if is_public { changes } else { !is_platform };
    let when = |holds: bool, refusal: Refusal| holds.then_some(refusal);
    [
        who,
        Some(may),
        when(takes(ParameterIn::Path, None), Refusal::NotFound),
        state,
        when(has_version, Refusal::VersionConflict),
        when(has_version, Refusal::VersionRequired),
        when(has_body, Refusal::TooLarge),
        when(has_body || has_key || takes(ParameterIn::Query, None), Refusal::Invalid),
        when(is_counted, Refusal::RateLimited),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Shows the code that an operation's own words begin with; what has other words is shown by what all have in common.
fn show_own(response: &mut Response, common: Refusal) {
    let Some(RefOr::T(content)) = response.content.get_mut(PROBLEM_TYPE) else { return };
    let mut problem = common.problem();
    let words = response.description.strip_prefix('`').and_then(|rest| rest.split_once("`: "));
    if let Some((code, detail)) = words
        && code != problem.code
    {
        let of_its_own = Problem::from(Error::conflict("", detail));
        problem = Problem { status: problem.status, title: problem.title, ..of_its_own };
        problem.kind.push_str(code);
        problem.code.push_str(code);
    }
    content.example = Some(shown(problem));
}

/// A problem as it goes out, with the id of a request.
fn shown(problem: Problem) -> Value {
    as_json(&Problem { request_id: Some("c0ffee00c0ffee00c0ffee00".to_owned()), ..problem })
}
