//! Limits of requests, of a tenant and of a key: counted off in memory from what the database handed to this process.

use atalaya_kernel::{Ctx, Error, ids::TenantId};
use atalaya_people::quota::{self, Subject};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

/// Length of a window, ms.
const MINUTE_MS: i64 = 60_000;
/// What the database said (no limit, or nothing left) is asked again after so long, ms: a plan may be another one.
const ASK_AGAIN_MS: i64 = 2_000;
/// Subjects remembered; beyond it those of earlier minutes are forgotten.
const MAX_SUBJECTS: usize = 10_000;

/// `RateLimit-Policy` and `RateLimit` of the IETF's draft on rate-limit header fields.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// What this process may still let pass of a subject's minute.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    minute: i64,
    /// None: nothing is limited.
    limit: Option<i64>,
    /// Handed to this process and not used.
    held: i64,
    /// What was left for all processes when the database was last asked.
    left: i64,
    asked_at: i64,
}

/// What a request is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Verdict {
    limit: i64,
    remaining: i64,
    reset_s: i64,
    passes: bool,
}

impl Window {
    /// Judges a request without the database; none when it has to be asked.
    fn judge(&mut self, now_ms: i64) -> Option<Option<Verdict>> {
        let minute = now_ms.div_euclid(MINUTE_MS);
        let is_fresh = (0..ASK_AGAIN_MS).contains(&(now_ms - self.asked_at));
        let Some(limit) = self.limit else { return is_fresh.then_some(None) };
        if self.minute != minute {
            return None;
        }
        let passes = self.held > 0;
        let is_known = passes || (self.left == 0 && is_fresh);
        if !is_known {
            return None;
        }
        self.held -= i64::from(passes);
        let reset_s = ((minute + 1) * MINUTE_MS - now_ms).div_euclid(1_000).max(1);
        Some(Some(Verdict { limit, remaining: self.held + self.left, reset_s, passes }))
    }
}

/// A window and its lock.
type Shared = Arc<tokio::sync::Mutex<Window>>;

/// Windows of this process, each behind a lock of its own: one subject's question does not hold back another's.
#[derive(Default)]
pub(super) struct Quota(Mutex<HashMap<(TenantId, Subject), Shared>>);

impl Quota {
    fn window(&self, tenant: &TenantId, subject: &Subject, minute: i64) -> Shared {
        let mut windows = self.0.lock();
        if windows.len() >= MAX_SUBJECTS {
            windows.retain(|_, window| window.try_lock().is_ok_and(|window| window.minute >= minute));
        }
        windows.entry((tenant.clone(), subject.clone())).or_default().clone()
    }

    async fn ask(&self, ctx: &Ctx, subject: &Subject) -> Result<Option<Verdict>, Error> {
        let now_ms = ctx.now().as_millis();
        let minute = now_ms.div_euclid(MINUTE_MS);
        let window = self.window(ctx.tenant(), subject, minute);
        let mut window = window.lock().await;
        if let Some(judged) = window.judge(now_ms) {
            return Ok(judged);
        }
        let lease = quota::lease(ctx, subject, minute).await?;
        let granted = lease.map_or(0, |lease| lease.granted);
        let held = if window.minute == minute { window.held } else { 0 };
        *window = Window {
            minute,
            limit: lease.map(|lease| lease.limit),
            held: held + granted,
            left: lease.map_or(0, |lease| lease.left),
            asked_at: now_ms,
        };
        Ok(window.judge(now_ms).flatten())
    }
}

fn name(subject: &Subject) -> &'static str {
    match subject {
        Subject::Tenant => "tenant",
        Subject::Key(_) => "key",
    }
}

/// Says what is left, of the limit of which the least is.
fn tell(headers: &mut HeaderMap, subject: &Subject, verdict: Verdict) {
    let name = name(subject);
    let policy = format!("\"{name}\";q={};w=60", verdict.limit);
    let state = format!("\"{name}\";r={};t={}", verdict.remaining, verdict.reset_s);
    for (header, text) in [(POLICY, policy), (STATE, state)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(header, value);
        }
    }
}

/// Lets a request pass while its key's and its tenant's minute have something left.
pub(super) async fn limit(State(quota): State<Arc<Quota>>, request: Request, next: Next) -> Response {
    let Some(ctx) = request.extensions().get::<Ctx>().cloned() else { return next.run(request).await };
    let mut tightest: Option<(Subject, Verdict)> = None;
    for subject in Subject::of(&ctx) {
        let verdict = match quota.ask(&ctx, &subject).await {
            Ok(Some(verdict)) => verdict,
            Ok(None) => continue,
            // A count that cannot be had stops nobody: the request itself meets the same database.
            Err(error) => {
                tracing::warn!(tenant = %ctx.tenant(), %error, "requests could not be counted");
                continue;
            }
        };
        if !verdict.passes {
            let refused = Error::RateLimited { retry_after_s: u64::try_from(verdict.reset_s).unwrap_or(1) };
            let mut response = refused.into_response();
            tell(response.headers_mut(), &subject, verdict);
            return response;
        }
        if tightest.as_ref().is_none_or(|(_, other)| verdict.remaining < other.remaining) {
            tightest = Some((subject, verdict));
        }
    }
    let mut response = next.run(request).await;
    if let Some((subject, verdict)) = tightest {
        tell(response.headers_mut(), &subject, verdict);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::{on_both, testing::World};
    use atalaya_people::{
        platform::{
            PlatformCtx,
            plans::{self, NewTenantPlan},
        },
        tenancy::{self, NewTenant},
    };

    async fn limited(world: &World, requests_per_minute: Option<i64>) -> Ctx {
        let new = NewTenant {
            slug: "netandina".to_owned(),
            name: "NetAndina".to_owned(),
            country: "PE".to_owned(),
            currency: "PEN".parse().unwrap(),
            time_zone: "America/Lima".parse().unwrap(),
            locale: "es-419".to_owned(),
        };
        let (ctx, tenant) = tenancy::tenant_create(&world.runtime, new).await.unwrap();
        let platform = PlatformCtx::command_line(world.runtime.clone());
        let plan = NewTenantPlan {
            name: "Inicio".to_owned(),
            contact: "ventas@hosting.example".to_owned(),
            requests_per_minute,
            ..NewTenantPlan::default()
        };
        let plan = plans::plan_create(&platform, &plan).await.unwrap();
        plans::tenant_plan_set(&platform, &tenant.id, Some(&plan.id)).await.unwrap();
        ctx
    }

    async fn passed(quota: &Quota, ctx: &Ctx, tries: usize) -> usize {
        let mut passed = 0;
        for _ in 0..tries {
            let verdict = quota.ask(ctx, &Subject::Tenant).await.unwrap().unwrap();
            passed += usize::from(verdict.passes);
        }
        passed
    }

    on_both!(two_processes_let_the_limit_pass_together, |world: World| async move {
        let ctx = limited(&world, Some(100)).await;
        let (one, other) = (Quota::default(), Quota::default());
        let both =
            passed(&one, &ctx, 60).await + passed(&other, &ctx, 60).await + passed(&one, &ctx, 60).await;
        assert_eq!(both, 100);
        let refused = one.ask(&ctx, &Subject::Tenant).await.unwrap().unwrap();
        assert_eq!((refused.passes, refused.remaining, refused.limit), (false, 0, 100));
        world.clock.advance_millis(refused.reset_s * 1_000);
        assert_eq!(passed(&other, &ctx, 10).await, 10, "another minute");
    });

    on_both!(what_has_no_limit_is_not_counted_until_it_has_one, |world: World| async move {
        let ctx = limited(&world, None).await;
        let quota = Quota::default();
        assert_eq!(quota.ask(&ctx, &Subject::Tenant).await.unwrap(), None);
        let platform = PlatformCtx::command_line(world.runtime.clone());
        let plan = plans::plan_find(&platform, "Inicio").await.unwrap();
        let now = NewTenantPlan {
            name: plan.name.clone(),
            contact: plan.contact.clone(),
            requests_per_minute: Some(60),
            ..NewTenantPlan::default()
        };
        plans::plan_change(&platform, &plan.id, plan.version, &now).await.unwrap();
        world.clock.advance_millis(ASK_AGAIN_MS);
        assert_eq!(passed(&quota, &ctx, 70).await, 60);
    });
}
