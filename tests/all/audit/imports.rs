//! Imports and comparisons of a router, from a listing that is written by hand: no valid call of a person makes one.

use super::{
    calls::{call, version_of},
    walk::{
        Call,
        Leaves::{Changed, Removed},
        Walk,
    },
};
use crate::e2e::{by_hand, now_ms};
use atalaya_tests::{
    harness::wait_until,
    isp::{Isp, id_of},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Writes a listing with two secrets of nobody.
fn listing(isp: &Isp) {
    let tenant = isp.owner.get("/tenant").expect("the tenant can be read");
    let tenant = tenant["id"].as_str().expect("it has an id");
    let (id, device, now) = ("lst_01jd3k5m7nf8v9q0r1s2t3w4xa", &isp.sites[0].router_id, now_ms());
    let row = |name: &str, comment: &str| {
        let fields = json!({"name": name, "comment": comment, "profile": "10M"});
        format!(
            "INSERT INTO network_listing_row (tenant_id, listing_id, row_table, row_name, part, fields, search_text, comment_text) \
             VALUES ('{tenant}', '{id}', 'secrets', '{name}', 1, '{fields}', '{name}', '{comment}')"
        )
    };
    let listing = format!(
        "INSERT INTO network_listing (tenant_id, id, device_id, state, table_names, part_count, parts_expected, row_count, read_at, \
         detail, created_at, updated_at, finished_at) VALUES ('{tenant}', '{id}', '{device}', 'complete', '[\"secrets\"]', 1, 1, 2, \
         {now}, '', {now}, {now}, {now})"
    );
    let statements = [listing, row("viejo-1", "ana sur 900000017"), row("viejo-2", "luis sur")];
    statements.iter().for_each(|statement| by_hand(&isp.control_plane.options, statement));
}

fn open(isp: &Isp, path: &str, state: &str) {
    wait_until("the import to be carried out", Duration::from_secs(30), || {
        isp.owner.get(path).is_ok_and(|import| import["state"] == state)
    });
}

pub(super) fn all(isp: &Isp, walk: &mut Walk<'_>) {
    listing(isp);
    let device = &isp.sites[0].router_id;
    let new = json!({"pattern": "{name} {phone}"});
    let pattern = id_of(&walk.call(call("POST /import-patterns", "/import-patterns", new, "import_pattern")));
    let pattern = pattern.expect("an id");
    let kept = json!({"pattern": "{name} NAP {box}"});
    isp.owner.post("/import-patterns", &kept).expect("another one stays for the reads");

    let begin = format!("/devices/{device}/imports");
    let create = || call("POST /devices/{id}/imports", &begin, json!({}), "import");
    let first = id_of(&walk.call(create())).expect("an id");
    let path = format!("/imports/{first}");
    let close = call("DELETE /imports/{id}", &path, Value::Null, "import");
    walk.call(Call { body: None, leaves: Removed, id: Some(&first), ..close });

    let import = id_of(&isp.owner.post(&begin, &json!({})).expect("another one can follow")).expect("an id");
    let path = format!("/imports/{import}");
    let plans = isp.owner.get("/plans").expect("plans can be read");
    let plan = plans["items"][0]["id"].as_str().expect("there is one");
    let version = Some(version_of(&isp.owner, &path, "version"));
    let said = json!({"plans": [{"profile": "", "plan_id": plan}], "answers": []});
    walk.call(Call { version, leaves: Changed, ..call("PATCH /imports/{id}", &path, said, "import") });
    let at = format!("{path}/decisions");
    let decided = json!({"rows": [{"row": "secrets/viejo-1", "decision": "create"}]});
    walk.call(call("POST /imports/{id}/decisions", &at, decided, "import"));
    let at = format!("{path}/refresh");
    walk.call(Call { body: None, ..call("POST /imports/{id}/refresh", &at, Value::Null, "import") });
    let at = format!("{path}/run");
    let run = call("POST /imports/{id}/run", &at, json!({"expected_rows": 1}), "import");
    walk.call(Call { leaves: Changed, ..run });
    open(isp, &path, "open");
    let made = isp.owner.get(&path).expect("it can be read");
    assert_eq!((&made["totals"]["made"], &made["totals"]["failed"]), (&json!(1), &json!(0)), "{made}");
    let at = format!("{path}/undo");
    let undo = call("POST /imports/{id}/undo", &at, Value::Null, "import");
    walk.call(Call { body: None, leaves: Changed, ..undo });
    open(isp, &path, "closed");

    let about_router = |operation, path| Call {
        body: None,
        id: Some(device.as_str()),
        ..call(operation, path, Value::Null, "device")
    };
    let path = format!("/devices/{device}/comparisons");
    walk.call(about_router("POST /devices/{id}/comparisons", &path));
    let path = format!("/devices/{device}/sweep");
    walk.call(about_router("POST /devices/{id}/sweep", &path));

    let path = format!("/import-patterns/{pattern}");
    let gone = call("DELETE /import-patterns/{id}", &path, Value::Null, "import_pattern");
    walk.call(Call { body: None, leaves: Removed, id: Some(&pattern), ..gone });
}
