-- What events before this script name beside what they are about.
INSERT INTO kernel_timeline (tenant_id, subject, event_id)
    SELECT e.tenant_id, r.value, e.id FROM kernel_event e CROSS JOIN LATERAL json_each_text(CAST(e.related AS json)) r
    ON CONFLICT (tenant_id, subject, event_id) DO NOTHING;
