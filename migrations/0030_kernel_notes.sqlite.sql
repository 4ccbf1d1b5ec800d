-- What events before this script name beside what they are about.
INSERT INTO kernel_timeline (tenant_id, subject, event_id)
    SELECT e.tenant_id, r.value, e.id FROM kernel_event e, json_each(e.related) r WHERE true
    ON CONFLICT (tenant_id, subject, event_id) DO NOTHING;
