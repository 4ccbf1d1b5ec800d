//! Load: connections that are kept open, each with one request at a time.

use crate::process;
use anyhow::Context;
use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// A GET without a body.
pub(crate) fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n").into_bytes()
}

/// A POST of JSON.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
        .into_bytes()
}

/// Whom is asked, and how.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) within: Duration,
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p99_ms: f64,
    /// CPU of the server, ms for each answer.
    pub(crate) cpu_ms: f64,
}

impl Load {
    /// Sends the requests in turn, each connection from another place on; any answer but a success ends it.
    pub(crate) fn run(&self, pid: u32, requests: &[Vec<u8>]) -> anyhow::Result<Measured> {
        let (began, before) = (Instant::now(), process::cpu(pid)?);
        let workers: Vec<anyhow::Result<Vec<f64>>> = std::thread::scope(|scope| {
            let step = requests.len() / self.connections;
            let spawned: Vec<_> = (0..self.connections)
                .map(|worker| {
                    scope.spawn(move || self.ask(requests.iter().cycle().skip(worker * step), began))
                })
                .collect();
            spawned.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
        });
        let (took, used) = (began.elapsed().as_secs_f64(), process::cpu(pid)? - before);
        let mut times: Vec<f64> = workers.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat();
        times.sort_by(f64::total_cmp);
        let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
        let answers = f64::from(u32::try_from(times.len())?);
        let p99_ms = times.get(at).context("nothing was answered")? * 1_000.0;
        Ok(Measured { per_second: answers / took, p99_ms, cpu_ms: used * 1_000.0 / answers })
    }

    fn ask<'r>(
        &self,
        requests: impl Iterator<Item = &'r Vec<u8>>,
        began: Instant,
    ) -> anyhow::Result<Vec<f64>> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let (mut writer, mut reader) = (stream.try_clone()?, BufReader::with_capacity(64 * 1024, stream));
        let (mut times, mut line, mut body) = (Vec::new(), String::new(), Vec::new());
        for request in requests {
            if began.elapsed() >= self.within {
                break;
            }
            let sent = Instant::now();
            writer.write_all(request)?;
            answer(&mut reader, &mut line, &mut body)?;
            times.push(sent.elapsed().as_secs_f64());
        }
        Ok(times)
    }
}

/// Reads one answer to its end.
fn answer(reader: &mut impl BufRead, line: &mut String, body: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut next = |line: &mut String| -> anyhow::Result<()> {
        line.clear();
        anyhow::ensure!(reader.read_line(line)? > 0, "the connection was closed");
        Ok(())
    };
    next(line)?;
    let status = line.trim().to_owned();
    let mut length = 0;
    loop {
        next(line)?;
        let header = line.trim();
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) =
            header.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.trim().parse().with_context(|| format!("{name} of {status}"))?;
        }
    }
    body.resize(length, 0);
    reader.read_exact(body)?;
    anyhow::ensure!(
        status.contains(" 200") || status.contains(" 201"),
        "{status}: {}",
        String::from_utf8_lossy(body)
    );
    Ok(())
}
