//! A vendor that goes on working whatever breaks: it makes small jobs and uploads files, and notes every answer.

use std::{sync::Arc, time::Duration};

use drover_testkit::wait_until;
use reqwest::{Body, Request, multipart::Form};
use serde_json::{Value, json};
use tokio::{sync::Mutex, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    campaign::{devices, join_body},
    ledger::{Deed, Ledger, Stored},
    support::{PATIENCE, http},
    vendor::{Client, FIRMWARE, Product, UPGRADE, noise, sha256},
    world::{MAIN, SPARE, World},
};

/// How long the vendor waits for an answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two jobs, and the same where faults last for minutes: the devices must suffice.
const PAUSE: Duration = Duration::from_millis(100);
const LONG_PAUSE: Duration = Duration::from_millis(700);
/// Devices of one job.
const DEVICES: usize = 3;
/// Every so many jobs a file is uploaded.
const UPLOAD_EVERY: usize = 8;
/// Tries of a call while things are broken; what is left is done when they are whole.
const TRIES: u32 = 3;

/// What became of a call.
enum Reply {
    Accepted(Value),
    /// It may have been done.
    Unanswered,
    /// Not now, and perhaps never.
    Refused(u16),
}

/// The vendor, at work.
pub(crate) struct Driver {
    stop: CancellationToken,
    hand: Hand,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Hand {
    client: Client,
    http: reqwest::Client,
    product: Product,
    firmware: i64,
    ledger: Arc<Mutex<Ledger>>,
}

impl Driver {
    /// Begins to work.
    pub(crate) fn start(world: &World, is_long: bool) -> Self {
        let hand = Hand {
            client: world.client.clone(),
            http: http(),
            product: world.product.clone(),
            firmware: world.firmware,
            ledger: Arc::default(),
        };
        let stop = CancellationToken::new();
        let (worker, stopped) = (hand.clone(), stop.clone());
        let pause = if is_long { LONG_PAUSE } else { PAUSE };
        let task = tokio::spawn(async move {
            for number in 0..SPARE / DEVICES {
                if stopped.is_cancelled() {
                    return;
                }
                worker.work(number).await;
                sleep(pause).await;
            }
        });
        Self { stop, hand, task }
    }

    /// 2xx answers so far.
    pub(crate) async fn accepted(&self) -> u32 {
        self.hand.ledger.lock().await.accepted
    }

    /// 503 answers so far.
    pub(crate) async fn put_off(&self) -> u32 {
        self.hand.ledger.lock().await.put_off
    }

    /// Ends the work: what was begun is brought to its end, now that nothing is broken.
    pub(crate) async fn finish(self) -> Ledger {
        self.stop.cancel();
        self.task.await.unwrap();
        let mut ledger = std::mem::take(&mut *self.hand.ledger.lock().await);
        for deed in &mut ledger.deeds {
            wait_until(PATIENCE, "a job that was begun to start", async || self.hand.go_on(deed, 1).await).await;
        }
        ledger
    }
}

impl Hand {
    async fn work(&self, number: usize) {
        if number.is_multiple_of(UPLOAD_EVERY) {
            self.upload(number).await;
        }
        let body = json!({
            "firmwareId": self.firmware, "productId": self.product.number(), "jobName": "small", "retryTimes": 3,
        });
        let Reply::Accepted(task) = self.send("POST", "task", &[], &body).await else { return };
        let mut deed = Deed {
            job: task["jobId"].as_i64().unwrap(),
            devices: devices("sim-", MAIN + 1 + number * DEVICES, DEVICES),
            has_joined: false,
            has_started: false,
        };
        self.go_on(&mut deed, TRIES).await;
        self.ledger.lock().await.deeds.push(deed);
    }

    /// Brings a job as far as it goes. Returns whether it is on its way.
    async fn go_on(&self, deed: &mut Deed, tries: u32) -> bool {
        let number = self.product.number();
        for _ in 0..tries {
            if !deed.has_joined {
                let body = join_body(deed.job, number, &deed.devices);
                deed.has_joined = matches!(self.send("POST", "operational", &[], &body).await, Reply::Accepted(_));
            }
            if deed.has_joined && !deed.has_started {
                let body = json!({"productId": number, "runStatus": 2});
                let reply = self.send("PUT", "control", &[("id", &deed.job.to_string())], &body).await;
                // 400: it runs already, so an earlier call was heard whose answer was lost. The rows will tell.
                deed.has_started = matches!(reply, Reply::Accepted(_) | Reply::Refused(400));
            }
        }
        deed.has_started
    }

    async fn upload(&self, number: usize) {
        let file = noise(5000 + number);
        let sha256 = sha256(&file);
        let part = reqwest::multipart::Part::bytes(file).file_name("firmware.bin");
        let form = Form::new().text("name", "small").text("version", "2.0").part("file", part);
        let content_type = format!("multipart/form-data; boundary={}", form.boundary());
        let body = Body::wrap_stream(form.into_stream());
        let request = self.client.upload(&self.product, &sha256, &content_type, body);
        if let Reply::Accepted(stored) = self.ask(request, &format!("POST {FIRMWARE}/firmware")).await {
            let firmware = stored["firmwareId"].as_i64().unwrap();
            self.ledger.lock().await.stored.push(Stored { firmware, sha256 });
        }
    }

    async fn send(&self, method: &str, call: &str, query: &[(&str, &str)], body: &Value) -> Reply {
        let request = self.client.request(method, &format!("{UPGRADE}/{call}"), query, &body.to_string());
        self.ask(request, &format!("{method} {call}")).await
    }

    async fn ask(&self, mut request: Request, call: &str) -> Reply {
        *request.timeout_mut() = Some(CALL_TIMEOUT);
        let answer = async {
            let answer = self.http.execute(request).await?;
            let (status, may_retry) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
            Ok::<_, reqwest::Error>((status, may_retry, answer.json::<Value>().await?))
        };
        let answer = answer.await;
        let mut ledger = self.ledger.lock().await;
        match answer {
            Ok((200, _, mut body)) => {
                ledger.accepted += 1;
                Reply::Accepted(body["result"].take())
            }
            Ok((503, true, _)) => {
                ledger.put_off += 1;
                Reply::Refused(503)
            }
            Ok((400, _, body)) if call == "PUT control" && body["desc"].to_string().contains("cannot be started") => {
                Reply::Refused(400)
            }
            Ok((status, _, body)) => {
                ledger.wrong.push(format!("{call}: {status} {body}"));
                Reply::Refused(status)
            }
            Err(_) => {
                ledger.unanswered += 1;
                Reply::Unanswered
            }
        }
    }
}
