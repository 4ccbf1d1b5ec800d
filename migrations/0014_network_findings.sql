-- What an agent found, as JSON `{"code", "facts"}` beside the sentence; none from an agent that does not say it.

ALTER TABLE network_agent_job ADD COLUMN finding TEXT;
ALTER TABLE network_device_status ADD COLUMN finding TEXT;
