//! Jobs that say something while they run: parts, their order, their repetition; and how jobs are stopped.

use async_trait::async_trait;
use atalaya_agent::uplink::ports::{JobOutput, JobRunner};
use atalaya_protocol::{credit::INITIAL_PARTS, wire};

use super::{
    eventually,
    headquarters::Headquarters,
    site::{Site, SiteMemory},
};

#[async_trait]
impl JobRunner for SiteMemory {
    async fn run(&self, job: wire::Job) -> wire::JobResult {
        self.inner.lock().jobs_run.push(job.job_id.clone());
        let ended = || {
            let memory = self.inner.lock();
            let stopped = memory.jobs_stopped.contains(&job.job_id);
            let done = !memory.jobs_held.contains(&job.job_id);
            match (stopped, done) {
                (true, _) => Some(wire::JobStatus::Cancelled),
                (false, true) => Some(wire::JobStatus::Done),
                (false, false) => None,
            }
        };
        let status = loop {
            match ended() {
                Some(status) => break status,
                None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        };
        wire::JobResult { job_id: job.job_id, status: status.into(), ..wire::JobResult::default() }
    }

    fn cancel(&self, job_id: &str) {
        self.inner.lock().jobs_stopped.insert(job_id.to_owned());
    }
}

#[async_trait]
impl JobOutput for SiteMemory {
    fn end(&self) -> u64 {
        self.inner.lock().parts_said + 1
    }

    fn next(&self, after: u64) -> Option<(u64, wire::JobPart)> {
        let memory = self.inner.lock();
        memory.said.range(after + 1..).next().map(|(number, part)| (*number, part.clone()))
    }

    async fn said(&self) {
        self.talked.notified().await;
    }

    fn acknowledged(&self, number: u64) {
        self.inner.lock().said.remove(&number);
    }
}

fn job(id: &str) -> wire::Job {
    wire::Job { job_id: id.into(), ..wire::Job::default() }
}

/// A site with a job that goes on until the test lets it end.
async fn with_job(hq: &Headquarters, id: &str) -> Site {
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    site.memory.inner.lock().jobs_held.insert(id.to_owned());
    hq.change(|rows| rows.jobs = vec![job(id)]);
    site
}

fn sequences(parts: &[wire::JobPart]) -> Vec<u64> {
    parts.iter().map(|part| part.sequence).collect()
}

#[tokio::test]
async fn everything_that_was_said_goes_before_how_it_ended() {
    let hq = Headquarters::start();
    let site = with_job(&hq, "job_1").await;
    let _running = site.run();
    eventually("it runs", async || site.see(|memory| !memory.jobs_run.is_empty())).await;
    // More than may be in flight, and the end at once.
    let said = u64::from(INITIAL_PARTS) * 3;
    (1..=said).for_each(|sequence| site.say("job_1", sequence));
    site.memory.inner.lock().jobs_held.clear();
    eventually("it ended", async || hq.see(|rows| !rows.job_results.is_empty())).await;
    hq.see(|rows| assert_eq!(sequences(&rows.job_parts), (1..=said).collect::<Vec<_>>()));
    eventually("all is acknowledged", async || site.see(|memory| memory.said.is_empty())).await;
}

#[tokio::test]
async fn a_part_is_kept_until_headquarters_has_it_and_sent_again_on_the_next_connection() {
    let hq = Headquarters::start();
    let site = with_job(&hq, "job_1").await;
    let running = site.run();
    eventually("it runs", async || site.see(|memory| !memory.jobs_run.is_empty())).await;
    site.say("job_1", 1);
    eventually("the first arrived", async || site.see(|memory| memory.said.is_empty())).await;
    hq.change(|rows| rows.failing = true);
    site.say("job_1", 2);
    let beats = hq.see(|rows| rows.heartbeats.len());
    eventually("time passes", async || hq.see(|rows| rows.heartbeats.len() > beats + 1)).await;
    assert_eq!(site.see(|memory| memory.said.len()), 1, "not durable, not acknowledged");
    drop(running);
    eventually("gone", async || hq.registry.sessions().is_empty()).await;
    hq.change(|rows| rows.failing = false);
    let _running = site.run();
    eventually("the second arrived", async || site.see(|memory| memory.said.is_empty())).await;
    site.memory.inner.lock().jobs_held.clear();
    eventually("it ended", async || hq.see(|rows| !rows.job_results.is_empty())).await;
    let mut parts = hq.see(|rows| sequences(&rows.job_parts));
    parts.dedup();
    assert_eq!(parts, [1, 2]);
}

#[tokio::test]
async fn a_running_job_is_stopped_and_the_others_go_on() {
    let hq = Headquarters::start();
    let site = with_job(&hq, "job_1").await;
    site.memory.inner.lock().jobs_held.insert("job_2".to_owned());
    hq.change(|rows| rows.jobs.push(job("job_2")));
    let _running = site.run();
    eventually("both run", async || site.see(|memory| memory.jobs_run.len() == 2)).await;
    hq.change(|rows| rows.jobs_cancelled.extend(["job_1".to_owned()]));
    eventually("one ended", async || hq.see(|rows| !rows.job_results.is_empty())).await;
    hq.see(|rows| {
        let result = &rows.job_results[0];
        assert_eq!((result.job_id.as_str(), result.status()), ("job_1", wire::JobStatus::Cancelled));
        assert_eq!(rows.job_results.len(), 1);
    });
}

#[tokio::test]
async fn a_job_that_was_stopped_before_it_was_sent_is_told_so_before_it_comes() {
    let hq = Headquarters::start();
    let site = with_job(&hq, "job_1").await;
    hq.change(|rows| rows.jobs_cancelled.extend(["job_1".to_owned()]));
    let _running = site.run();
    eventually("it ended", async || hq.see(|rows| !rows.job_results.is_empty())).await;
    hq.see(|rows| assert_eq!(rows.job_results[0].status(), wire::JobStatus::Cancelled));
    assert_eq!(
        site.see(|memory| memory.jobs_run.len()),
        1,
        "the runner was asked, and answers without a start"
    );
}
