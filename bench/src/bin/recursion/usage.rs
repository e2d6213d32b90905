//! What a process used. Also a module of `bench/peers/plonky2`, so that both are measured alike.

use std::time::Instant;

/// Wall-clock seconds of something, and those of all threads of the process meanwhile, where the system tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) cpu: Option<f64>,
}

pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (T, Cost) {
    let (start, before) = (Instant::now(), cpu());
    let value = act();
    let wall = start.elapsed().as_secs_f64();
    let cpu = cpu().zip(before).map(|(after, before)| after - before);
    (value, Cost { wall, cpu })
}

/// Seconds of user and system time, by Linux's hundredths.
fn cpu() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, which may hold anything, ends at the last bracket; the 12th and 13th field behind it are the times.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / 100.0)
}

/// The largest resident memory of the process so far, in bytes, where the system tells.
pub(crate) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
