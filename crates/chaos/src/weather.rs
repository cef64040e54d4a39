//! The weather: whether the Temporal server and the ledger can be used at this moment, and how whoever needs them rides it
//! out when they cannot.
//!
//! *Rough*: something is down, or was a moment ago, so that an error may be its echo.

use std::time::Duration;

use redrive_engine::{Clock, SystemClock};
use tokio::sync::watch;
use tokio::time::Instant;

/// The pause before something is tried again.
const PAUSE: Duration = Duration::from_millis(300);
/// So long after something came back errors may still be its echo: connections are made anew, calls run into timeouts.
const ECHO: Duration = Duration::from_secs(25);

/// The weather over a site.
pub(crate) struct Weather(watch::Sender<Now>);

#[derive(Debug, Clone, Copy, Default)]
struct Now {
    /// How many things are down.
    down: u32,
    /// How often something went down.
    times: u32,
    /// When the last thing came back.
    back: Option<Instant>,
}

impl Weather {
    /// Fair.
    pub fn new() -> Self {
        Self(watch::Sender::new(Now::default()))
    }

    /// Something goes down.
    pub fn goes_down(&self) {
        self.0.send_modify(|now| {
            now.down += 1;
            now.times += 1;
        });
    }

    /// It is back.
    pub fn is_back(&self) {
        self.0.send_modify(|now| {
            now.down = now.down.saturating_sub(1);
            now.back = Some(Instant::now());
        });
    }

    /// Something that workers need is not as it was; nothing is down for whoever asks.
    pub fn stirs(&self) {
        self.goes_down();
        self.is_back();
    }

    /// Whether what goes wrong now may be an outage's doing.
    pub fn is_rough(&self) -> bool {
        let now = *self.0.borrow();
        now.down > 0 || now.back.is_some_and(|back| back.elapsed() < ECHO)
    }

    /// Until nothing is down.
    pub async fn fair(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|now| now.down == 0).await;
    }

    /// Does something that needs what may go down, again and again where that is why it fails.
    pub async fn ride_out<T, E>(&self, act: impl AsyncFn() -> Result<T, E>) -> Result<T, E> {
        loop {
            self.fair().await;
            let times = self.0.borrow().times;
            match act().await {
                Err(error) if !self.is_rough() && self.0.borrow().times == times => {
                    return Err(error);
                }
                Err(_) => SystemClock.sleep(PAUSE).await,
                done => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn an_error_in_fair_weather_is_an_error() {
        let weather = Weather::new();
        let done: Result<(), _> = weather.ride_out(async || Err("no")).await;
        assert_eq!(done, Err("no"));
    }

    #[tokio::test]
    async fn an_error_of_an_outage_is_tried_again() {
        let (weather, tries) = (Weather::new(), Cell::new(0));
        let done = weather.ride_out(async || {
            tries.set(tries.get() + 1);
            if tries.get() == 1 {
                weather.goes_down();
                weather.is_back();
                return Err("no");
            }
            Ok(tries.get())
        });
        assert_eq!(done.await, Ok(2));
        assert!(weather.is_rough());
    }
}
