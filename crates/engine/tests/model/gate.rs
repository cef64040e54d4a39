//! The gate before every call of a try: the call waits until the walk lets it pass, and hears what becomes of it.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What kind of call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A question to the server.
    Question,
    /// A start.
    Start,
    /// A transaction of the ledger.
    Ledger,
    /// The clock, for less than a second: what waits so goes on at any time.
    Nap,
    /// The clock.
    Sleep,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It acts, and its answer arrives.
    Act,
    /// It never arrives.
    LoseRequest,
    /// It acts, and its answer is lost.
    LoseReply,
    /// The server refuses it.
    Refuse,
    /// It acts, and the process dies before it hears the answer.
    DieAfter,
}

/// A call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
}

impl Call {
    /// Whether what happens just before or after it hardly matters: walks mostly pass over it.
    pub fn is_dull(&self) -> bool {
        const DULL: [&str; 8] = [
            "open_batch",
            "halted",
            "scan_window",
            "save_scan_window",
            "count_failed",
            "unknown_runs",
            "take_turns",
            "start_request",
        ];
        DULL.contains(&self.name)
    }
}

/// The gate of one try. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    died: bool,
    busy: u32,
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
}

struct Waiting {
    call: Call,
    pass: Option<Pass>,
    waker: Option<Waker>,
}

impl Gate {
    /// Waits until the call may pass.
    pub async fn enter(&self, name: &'static str, kind: Kind) -> Permit {
        let ticket = {
            let mut inner = self.0.lock().unwrap();
            inner.next += 1;
            let ticket = inner.next;
            inner.waiting.insert(
                ticket,
                Waiting {
                    call: Call { name, kind },
                    pass: None,
                    waker: None,
                },
            );
            ticket
        };
        Entering {
            gate: self.clone(),
            ticket,
        }
        .await
    }

    /// The calls that may be let pass. Who sleeps wakes only when nothing else can go on.
    pub fn waiting(&self) -> Vec<(u64, Call)> {
        let inner = self.0.lock().unwrap();
        let all: Vec<_> = inner
            .waiting
            .iter()
            .map(|(ticket, waiting)| (*ticket, waiting.call))
            .collect();
        let awake: Vec<_> = all
            .iter()
            .copied()
            .filter(|(_, call)| call.kind != Kind::Sleep)
            .collect();
        if awake.is_empty() { all } else { awake }
    }

    /// Lets a call pass.
    pub fn pass(&self, ticket: u64, pass: Pass) {
        let mut inner = self.0.lock().unwrap();
        let waiting = inner
            .waiting
            .get_mut(&ticket)
            .expect("only calls that wait are let pass");
        waiting.pass = Some(pass);
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }

    /// Whether every call of the try waits.
    pub fn is_quiet(&self) -> bool {
        let inner = self.0.lock().unwrap();
        inner.busy == 0
            && !inner.waiting.is_empty()
            && inner.waiting.values().all(|waiting| waiting.pass.is_none())
    }

    /// Whether the process has died in mid-call.
    pub fn has_died(&self) -> bool {
        self.0.lock().unwrap().died
    }

    async fn die(&self) {
        self.0.lock().unwrap().died = true;
        pending().await
    }
}

/// A call under way.
pub struct Permit {
    gate: Gate,
    /// What becomes of it.
    pub pass: Pass,
}

impl Permit {
    /// Carries out a call that has passed. `lost` and `refused` make the errors it may end with.
    pub async fn carry<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        lost: impl Fn() -> E,
        refused: impl Fn() -> E,
    ) -> Result<T, E> {
        match self.pass {
            Pass::Act => call.await,
            Pass::LoseRequest => Err(lost()),
            Pass::Refuse => Err(refused()),
            Pass::LoseReply => call.await.and_then(|_| Err(lost())),
            Pass::DieAfter => {
                let answer = call.await;
                self.gate.die().await;
                answer
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.0.lock().unwrap().busy -= 1;
    }
}

struct Entering {
    gate: Gate,
    ticket: u64,
}

impl Future for Entering {
    type Output = Permit;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let mut inner = self.gate.0.lock().unwrap();
        let waiting = inner
            .waiting
            .get_mut(&self.ticket)
            .expect("it waits until it has passed");
        let Some(pass) = waiting.pass else {
            waiting.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        inner.waiting.remove(&self.ticket);
        inner.busy += 1;
        drop(inner);
        Poll::Ready(Permit {
            gate: self.gate.clone(),
            pass,
        })
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        self.gate.0.lock().unwrap().waiting.remove(&self.ticket);
    }
}
