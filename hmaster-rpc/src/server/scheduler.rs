//! Runs calls, each class with handlers of its own. Counterpart of `SimpleRpcScheduler`.
//!
//! A handler is a task that lives as long as there are calls for it, not a thread: what blocks is one call, and the
//! bound on a class's handlers is a bound on how many of its calls are under way.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::metrics::ServerMetrics;
use super::options::QueueOptions;
use super::priority::QueueClass;
use super::queue::{Admission, CallQueue};

/// A call as the scheduler sees it.
pub(crate) trait Job: Send + 'static {
    /// True if nobody waits for it any more.
    fn is_stale(&self) -> bool;
    /// It is given up without an answer.
    fn give_up(self, why: GivenUp);
    /// It is run.
    fn run(self) -> impl Future<Output = ()> + Send;
}

/// Why a call isn't run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// Nobody waits for it any more.
    Stale,
    /// The server stops.
    Stopping,
}

/// Queues and handlers of a server.
#[derive(Debug)]
pub(crate) struct Scheduler<J> {
    queues: [Mutex<CallQueue<J>>; QueueClass::ALL.len()],
    metrics: Arc<ServerMetrics>,
    handlers: TaskTracker,
    kill: CancellationToken,
}

impl<J: Job> Scheduler<J> {
    /// Handlers end at `kill`, wherever they are.
    pub(crate) fn new(
        options: &QueueOptions,
        metrics: Arc<ServerMetrics>,
        kill: CancellationToken,
    ) -> Arc<Self> {
        let queues = QueueClass::ALL.map(|class| Mutex::new(CallQueue::new(options.of(class))));
        Arc::new(Self { queues, metrics, handlers: TaskTracker::new(), kill })
    }

    /// Runs the call now or later, or gives it back because too many wait.
    pub(crate) fn submit(self: &Arc<Self>, class: QueueClass, job: J) -> Result<(), J> {
        let metrics = self.metrics.class(class);
        metrics.received.add(1);
        let (admission, stale) = self.queues[class.index()].lock().admit(job, J::is_stale);
        for job in stale {
            metrics.waiting.fall();
            job.give_up(GivenUp::Stale);
        }
        match admission {
            Admission::Run(job) => self.spawn_handler(class, job),
            Admission::Waits => metrics.waiting.rise(),
            Admission::Full(job) => {
                metrics.refused.add(1);
                return Err(job);
            }
        }
        Ok(())
    }

    fn spawn_handler(self: &Arc<Self>, class: QueueClass, first: J) {
        let scheduler = self.clone();
        let handler = async move { scheduler.handle(class, first).await };
        let kill = self.kill.clone();
        self.handlers.spawn(async move { kill.run_until_cancelled(handler).await });
    }

    async fn handle(&self, class: QueueClass, first: J) {
        let metrics = self.metrics.class(class);
        let mut next = Some(first);
        while let Some(job) = next {
            if job.is_stale() {
                job.give_up(GivenUp::Stale);
            } else {
                metrics.running.rise();
                job.run().await;
                metrics.running.fall();
                metrics.answered.add(1);
            }
            next = self.queues[class.index()].lock().next();
            if next.is_some() {
                metrics.waiting.fall();
            }
        }
    }

    /// Gives up what waits, and ends when nothing runs any more.
    pub(crate) async fn drain(&self) {
        for class in QueueClass::ALL {
            for job in self.queues[class.index()].lock().drain() {
                self.metrics.class(class).waiting.fall();
                job.give_up(GivenUp::Stopping);
            }
        }
        self.handlers.close();
        self.handlers.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::super::options::{QueueBounds, ServerOptions};
    use super::*;

    /// Reports its name when it runs, and blocks until it is let go.
    struct TestJob {
        name: &'static str,
        events: mpsc::UnboundedSender<String>,
        until: oneshot::Receiver<()>,
    }

    impl Job for TestJob {
        fn is_stale(&self) -> bool {
            self.name == "stale"
        }
        fn give_up(self, why: GivenUp) {
            self.events.send(format!("{why:?}: {}", self.name)).unwrap();
        }
        async fn run(self) {
            self.events.send(self.name.to_owned()).unwrap();
            let _ = self.until.await;
        }
    }

    struct Fixture {
        scheduler: Arc<Scheduler<TestJob>>,
        events: mpsc::UnboundedReceiver<String>,
        sender: mpsc::UnboundedSender<String>,
        kill: CancellationToken,
    }

    fn fixture(handlers_max: usize, waiting_max: usize) -> Fixture {
        let mut options = ServerOptions::default().queues;
        for class in QueueClass::ALL {
            options.set(class, QueueBounds { handlers_max, waiting_max });
        }
        let (sender, events) = mpsc::unbounded_channel();
        let kill = CancellationToken::new();
        let scheduler = Scheduler::new(&options, Arc::default(), kill.clone());
        Fixture { scheduler, events, sender, kill }
    }

    impl Fixture {
        fn submit(&self, class: QueueClass, name: &'static str) -> Option<oneshot::Sender<()>> {
            let (done, until) = oneshot::channel();
            let job = TestJob { name, events: self.sender.clone(), until };
            self.scheduler.submit(class, job).ok().map(|()| done)
        }
        async fn event(&mut self) -> String {
            self.events.recv().await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_class_that_is_full_holds_up_no_other() {
        for full in QueueClass::ALL {
            let mut fixture = fixture(1, 1);
            let _blocked = fixture.submit(full, "blocked").unwrap();
            assert_eq!(fixture.event().await, "blocked");
            let _waits = fixture.submit(full, "waits").unwrap();
            assert!(fixture.submit(full, "one too many").is_none());
            for other in QueueClass::ALL.into_iter().filter(|class| *class != full) {
                let _runs = fixture.submit(other, "other").unwrap();
                assert_eq!(fixture.event().await, "other", "{other:?} while {full:?} is full");
            }
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_given_up() {
        let mut fixture = fixture(1, 1);
        let first = fixture.submit(QueueClass::General, "first").unwrap();
        assert_eq!(fixture.event().await, "first");
        let _stale = fixture.submit(QueueClass::General, "stale").unwrap();
        let _second = fixture.submit(QueueClass::General, "second").expect("the stale one makes room");
        assert_eq!(fixture.event().await, "Stale: stale");
        first.send(()).unwrap();
        assert_eq!(fixture.event().await, "second");
        let class = fixture.scheduler.metrics.class(QueueClass::General);
        assert_eq!((class.waiting.get(), class.running.get(), class.received.get()), (0, 1, 3));
    }

    #[tokio::test]
    async fn draining_waits_for_what_runs_and_killing_does_not() {
        let mut fixture = fixture(1, 1);
        let _first = fixture.submit(QueueClass::General, "first").unwrap();
        let _second = fixture.submit(QueueClass::General, "second").unwrap();
        assert_eq!(fixture.event().await, "first");
        let scheduler = fixture.scheduler.clone();
        let drain = tokio::spawn(async move { scheduler.drain().await });
        assert_eq!(fixture.event().await, "Stopping: second");
        assert!(!drain.is_finished());
        fixture.kill.cancel();
        drain.await.unwrap();
    }
}
