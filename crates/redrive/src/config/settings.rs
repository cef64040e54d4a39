//! Every setting, in the order in which people read them: its unit, what it means, and what holds where it has no default.
//!
//! The list is held to [`super::Config`] by a test: a setting without an entry fails it, and so does an entry without a
//! setting. Defaults stand in the code, and are taken from there.

/// One setting, or the same setting of many tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its dotted key. `[]` stands for any place in a list of tables, `NAME` for a name that the file chooses.
    pub key: &'static str,
    /// What its value is counted in, or how it is written.
    pub unit: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// What holds where it is left out and the code has no value for it.
    pub otherwise: Option<&'static str>,
}

impl Setting {
    const fn new(key: &'static str, unit: &'static str, meaning: &'static str) -> Self {
        Self {
            key,
            unit,
            meaning,
            otherwise: None,
        }
    }

    const fn or(mut self, otherwise: &'static str) -> Self {
        self.otherwise = Some(otherwise);
        self
    }

    /// The entry of the setting of this shape.
    pub fn of(shape: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == shape)
    }
}

const NAME: &str = "name";
const SPAN: &str = "duration";
const SWITCH: &str = "true or false";
const EXACT: &str = "name, matched exactly";

const MUST: &str = "must be given";
const ANY: &str = "any";

/// The list.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "ledger.url",
        "path, sqlite:PATH, or postgres://USER@HOST/DATABASE",
        "Where Redrive keeps what it knows of every failed order: a file, or a database of PostgreSQL 15 or later. A relative path starts at the file's folder. A password belongs into PGPASSWORD or a password file; OPERATIONS.md has the parameters.",
    ),
    Setting::new(
        "worker.task_queue",
        NAME,
        "The task queue of Redrive's workflows; the chunks of their batches wait in another, NAME-chunks. Take another one where \
         workers of your own poll a queue of that name.",
    ),
    Setting::new(
        "worker.orders_at_once",
        "orders, 1 to 1000",
        "Orders that one worker process handles at the same time, over all its chunks. More help where the server is far \
         away or large; policy.starts_per_second holds whatever this is.",
    ),
    Setting::new("schedule.id", NAME, "The schedule's id in Temporal."),
    Setting::new(
        "schedule.interval",
        SPAN,
        "The time between two batches, at least 1s. A batch stops claiming orders after four fifths of it, and after 12 minutes at most.",
    ),
    Setting::new(
        "schedule.manage",
        SWITCH,
        "Whether `up` and `worker` make the schedule, and update it when these settings change. An operator's pause is \
         never touched.",
    ),
    Setting::new(
        "web.listen",
        "IP address and port",
        "Where `up` and `serve` answer over HTTP: an address of this machine alone, such as 127.0.0.1 or [::1], where \
         web.access is open. Port 0 takes any that is free.",
    ),
    Setting::new(
        "web.access",
        "open or tokens",
        "Who is let in: whoever reaches the address, or whoever shows a token that `redrive token create` made. SECURITY.md \
         has the roles.",
    ),
    Setting::new(
        "web.public_url",
        "URL",
        "Where browsers find the pages, behind a reverse proxy. With https, what a browser keeps is sent over TLS only. \
         Nothing: where they are served.",
    ),
    Setting::new(
        "web.requests_per_second",
        "requests a second, 1 or more",
        "How often each who has signed in may ask; all others together may as often.",
    ),
    Setting::new(
        "metrics.listen",
        "IP address and port, or nothing",
        "Where `worker` answers Prometheus: `/metrics`, `/healthz` and `/readyz`, and nothing else. No order is named there and \
         nothing can be done, so any address may be given. Nothing: nowhere. `up` and `serve` have their numbers at web.listen.",
    ),
    Setting::new(
        "links.temporal_ui",
        "URL",
        "Where Temporal's pages are: an order's story then links each of its runs. Nothing: no links, but `redrive up` links the \
         pages of a server that it starts.",
    ),
    Setting::new(
        "policy.max_retries",
        "restarts",
        "Restarts of an order before it goes to the dead letter queue; 0 sends every failed order there at once.",
    ),
    Setting::new(
        "policy.batch_size",
        "orders, 1 to 1000",
        "Orders that one chunk of a batch claims.",
    ),
    Setting::new(
        "policy.starts_per_second",
        "starts a second",
        "The most workflow starts, over everything that Redrive starts in the namespace, however many workers there are. \
         `redrive limits set starts RATE` changes it for all of them at once.",
    ),
    Setting::new(
        "policy.visibility_calls_per_second",
        "calls a second",
        "The most calls to Temporal's visibility (list, count), over everything that Redrive asks in the namespace. \
         `redrive limits set visibility RATE` changes it for all workers at once.",
    ),
    Setting::new(
        "policy.restart_children",
        SWITCH,
        "Whether failed runs that have a parent workflow are restarted too.",
    ),
    Setting::new(
        "policy.keep_start_requests",
        SWITCH,
        "Whether the ledger keeps each open order's start request, so that it can be started again after Temporal has \
         deleted its history.",
    ),
    Setting::new(
        "policy.max_item_errors",
        "refusals in a row",
        "Starts that the server may refuse before an order goes to the dead letter queue as one that cannot be started.",
    ),
    Setting::new(
        "policy.rules",
        "list of tables",
        "What gives a status to failures that do not name one: `[[policy.rules]]` tables, in their order; the first that matches wins.",
    ),
    Setting::new(
        "policy.watch[].workflow_type",
        EXACT,
        "A workflow type whose failed runs are reprocessed.",
    )
    .or(MUST),
    Setting::new(
        "policy.watch[].order_id",
        "text with one {orderId}",
        "Where the order's id stands in the workflow ids of that type.",
    ),
    Setting::new(
        "policy.watch[].customer_id",
        "input:POINTER, search_attribute:NAME, memo:NAME or nothing",
        "Where the customer's id stands, so that orders can be found by it. Nothing else is read from a payload; with \
         nothing here, no payload is looked into.",
    ),
    Setting::new(
        "policy.backoff.initial",
        SPAN,
        "The longest that an order waits before its second restart; the first is made at once. The wait itself is \
         random, from nothing to this.",
    ),
    Setting::new(
        "policy.backoff.factor",
        "factor, 1.0 or more",
        "What each further restart multiplies that longest wait by.",
    ),
    Setting::new(
        "policy.backoff.max",
        SPAN,
        "What the longest wait never grows beyond.",
    ),
    Setting::new(
        "policy.scan.lookback",
        SPAN,
        "How far back a new ledger takes in failures. Older ones are counted and shown, and left alone.",
    ),
    Setting::new(
        "policy.scan.overlap",
        SPAN,
        "How much of what was read is read again by the next batch, since Temporal's lists lag.",
    ),
    Setting::new(
        "policy.scan.sweep_every",
        SPAN,
        "How often a long stretch is read again.",
    ),
    Setting::new(
        "policy.scan.sweep_back",
        SPAN,
        "How long that stretch is; no shorter than the overlap.",
    ),
    Setting::new(
        "policy.scan.window_rows",
        "rows",
        "The most failed runs read in one window of close times; a window with more is split.",
    ),
    Setting::new(
        "policy.settle.first_check",
        SPAN,
        "How long after its start a restarted run is first looked at.",
    ),
    Setting::new(
        "policy.settle.longest_check",
        SPAN,
        "The longest time between two looks, which grows from the first.",
    ),
    Setting::new(
        "policy.settle.recheck",
        SPAN,
        "How often every open order, dead letters too, is compared with Temporal.",
    ),
    Setting::new(
        "policy.statuses.NAME.reprocess",
        SWITCH,
        "Whether orders with this failure status are restarted. A status that is not listed is kept, shown and left \
         alone.",
    )
    .or("must be given for a status that is not one of the nine below"),
    Setting::new(
        "policy.statuses.NAME.max_retries",
        "restarts",
        "Their own number of restarts.",
    )
    .or("policy.max_retries"),
    Setting::new(
        "policy.statuses.NAME.backoff.initial",
        SPAN,
        "Their own waits. A status that has one of these three settings takes nothing from policy.backoff.",
    )
    .or("1m, or policy.backoff where all three are left out"),
    Setting::new(
        "policy.statuses.NAME.backoff.factor",
        "factor, 1.0 or more",
        "As in policy.backoff.",
    )
    .or("2.0, or policy.backoff"),
    Setting::new(
        "policy.statuses.NAME.backoff.max",
        SPAN,
        "As in policy.backoff.",
    )
    .or("1h, or policy.backoff"),
    Setting::new(
        "policy.rules[].name",
        NAME,
        "What people call the rule. No two rules share one.",
    )
    .or(MUST),
    Setting::new(
        "policy.rules[].workflow_type",
        EXACT,
        "Condition: the failed run's workflow type.",
    )
    .or(ANY),
    Setting::new(
        "policy.rules[].activity_type",
        EXACT,
        "Condition: the type of an activity that failed.",
    )
    .or(ANY),
    Setting::new(
        "policy.rules[].failure_type",
        EXACT,
        "Condition: the type of an application failure, anywhere in the chain of causes.",
    )
    .or(ANY),
    Setting::new(
        "policy.rules[].message",
        "regular expression",
        "Condition: it is found in the message of a cause.",
    )
    .or(ANY),
    Setting::new(
        "policy.rules[].timeout",
        "start_to_close, schedule_to_start, schedule_to_close or heartbeat",
        "Condition: the limit that an activity or a child workflow hit.",
    )
    .or(ANY),
    Setting::new(
        "policy.rules[].status",
        NAME,
        "The failure status that these failures get.",
    )
    .or(MUST),
];
