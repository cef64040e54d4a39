//! A sliding window of futures: whichever ends first is taken out and makes room for the next.
//!
//! It polls in the order of insertion and lends out the workflow's own waker, so it is as deterministic as the
//! workflow around it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Futures that go on at the same time.
pub(crate) struct Window<'a, T> {
    running: Vec<Pin<Box<dyn Future<Output = T> + 'a>>>,
}

impl<'a, T> Window<'a, T> {
    pub(crate) fn new() -> Self {
        Self {
            running: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, future: impl Future<Output = T> + 'a) {
        self.running.push(Box::pin(future));
    }

    /// The result of the first to end; pending for ever while the window is empty.
    pub(crate) fn next(&mut self) -> impl Future<Output = T> + Unpin + '_ {
        poll_fn(|cx| {
            for (place, future) in self.running.iter_mut().enumerate() {
                if let Poll::Ready(result) = future.as_mut().poll(cx) {
                    drop(self.running.remove(place));
                    return Poll::Ready(result);
                }
            }
            Poll::Pending
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::channel::oneshot;

    #[test]
    fn whichever_ends_first_makes_room() {
        let mut window = Window::new();
        let (first, waits_for_first) = oneshot::channel::<u8>();
        let (second, waits_for_second) = oneshot::channel::<u8>();
        window.push(waits_for_first);
        window.push(waits_for_second);
        assert!(window.next().now_or_never().is_none());
        second.send(2).unwrap();
        assert_eq!(window.next().now_or_never(), Some(Ok(2)));
        first.send(1).unwrap();
        assert_eq!(window.next().now_or_never(), Some(Ok(1)));
        assert!(window.next().now_or_never().is_none());
    }

    #[test]
    fn an_empty_window_waits() {
        assert!(Window::<u8>::new().next().now_or_never().is_none());
    }
}
