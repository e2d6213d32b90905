//! A spinner with the current phase on a terminal; silence in a pipe.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::ProgressBar;

pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn start(json: bool) -> Self {
        if json || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(Some(bar))
    }

    pub(super) fn phase(&self, name: &'static str) {
        if let Some(bar) = &self.0 {
            bar.set_message(name);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
