//! The deployed functions and their workflow, called as queues, streams and rules call them: by the engine's AWS API in
//! plain HTTP. What goes in has the shape of `events/`.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, resume_unwind},
};

use api::BatchStatus;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{BatchId, ImageRef, Timestamp, Work};
use futures::FutureExt;
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Stack, User, inside::Inside, unique, wait_for};

/// The batch in the files of `events/`.
const BATCH_OF_EVENTS: &str = "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f";

/// What is behind the API.
#[derive(Clone, Debug)]
pub struct Engine {
    http: reqwest::Client,
    endpoint: String,
    functions: Vec<String>,
    workflow: String,
    credits_table: String,
    batches_table: String,
    edit_queue: String,
}

/// An invocation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskFailed {
    /// The name that the workflow would see.
    pub error_type: String,
    /// What it is about.
    pub error_message: String,
}

/// One line of somebody's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, such as `welcome` or `debit#<batch>`.
    pub id: String,
    /// Its number.
    pub seq: u64,
    /// The change of the balance.
    pub amount: i64,
}

impl Engine {
    /// Finds the functions of a stack.
    pub async fn of(stack: &Stack) -> Self {
        let mut engine = Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            endpoint: stack.aws_endpoint.clone(),
            functions: Vec::new(),
            workflow: stack.outputs["EditWorkflowArn"].clone(),
            credits_table: stack.outputs["CreditsTable"].clone(),
            batches_table: stack.outputs["BatchesTable"].clone(),
            edit_queue: stack.outputs["EditQueueUrl"].clone(),
        };
        let listed = engine
            .rest(Method::GET, "functions/", &Value::Null)
            .await
            .unwrap();
        let functions = listed["Functions"].as_array().unwrap().iter();
        engine.functions = functions
            .map(|function| function["FunctionName"].as_str().unwrap().to_owned())
            .collect();
        engine
    }

    /// The functions by the folder that the engine runs each in, which is named by its code's digest; each by its name in the
    /// template, without its end `Function`.
    pub async fn folders(&self) -> HashMap<String, String> {
        let listed = self.rest(Method::GET, "functions/", &Value::Null).await;
        let listed = listed.unwrap();
        let functions = listed["Functions"].as_array().unwrap().iter();
        functions
            .map(|function| {
                let digest = STANDARD.decode(function["CodeSha256"].as_str().unwrap());
                let name = function["FunctionName"].as_str().unwrap();
                let (name, _) = name.rsplit_once("Function-").unwrap();
                let (_, name) = name.rsplit_once('-').unwrap();
                (hex::encode(digest.unwrap()), name.to_owned())
            })
            .collect()
    }

    /// Invokes a function by its name in the template, without its end `Function`, and waits for its answer.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value, TaskFailed> {
        let path = format!("functions/{}/invocations", self.physical(function));
        self.rest(Method::POST, &path, event).await
    }

    /// Invokes a function and does not care what becomes of it.
    pub async fn poke(&self, function: &str, event: &Value) {
        let name = self.physical(function);
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.endpoint);
        drop(self.http.post(url).json(event).send().await);
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The variables that the template gives a function.
    pub async fn environment(&self, function: &str) -> HashMap<String, String> {
        let path = format!("functions/{}/configuration", self.physical(function));
        let mut configuration = self.rest(Method::GET, &path, &Value::Null).await.unwrap();
        serde_json::from_value(configuration["Environment"]["Variables"].take()).unwrap()
    }

    /// Invokes a queue's consumer; the ids of the records that it wants to see again.
    pub async fn consume(&self, function: &str, event: &Value) -> Vec<String> {
        let answer = self.invoke(function, event).await.unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap().iter();
        failures
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What the workflow asks of edit-image for this work, once verify-image has seen the photo.
    pub async fn edit_task(&self, work: &Work) -> Value {
        let verdict = self.invoke("VerifyImage", &json!(work)).await.unwrap();
        json!({ "work": work, "verdict": verdict, "turn": null })
    }

    /// The executions of an image, as the list of all has them.
    pub async fn executions(&self, image: ImageRef) -> Vec<Value> {
        let mut executions = self.listed(json!({})).await;
        executions.retain(|execution| execution["name"] == image.execution_name().as_str());
        executions
    }

    /// The images whose executions run.
    pub async fn running(&self) -> Vec<ImageRef> {
        let running = self.listed(json!({ "statusFilter": "RUNNING" })).await;
        let named = running.iter().map(|execution| {
            let name = execution["name"].as_str().unwrap();
            let (batch, index) = name.rsplit_once('-').unwrap();
            image(batch, index.parse().unwrap())
        });
        named.collect()
    }

    /// All pages of a list of executions.
    async fn listed(&self, mut page: Value) -> Vec<Value> {
        page["stateMachineArn"] = json!(self.workflow);
        let mut executions = Vec::new();
        loop {
            let mut answer = self.states("ListExecutions", &page).await;
            let listed: Vec<Value> = serde_json::from_value(answer["executions"].take()).unwrap();
            executions.extend(listed);
            match answer["nextToken"].take() {
                Value::Null => return executions,
                token => page["nextToken"] = token,
            }
        }
    }

    /// Waits until an image's execution is in its wait.
    pub async fn waits(&self, image: ImageRef) {
        let last =
            json!({ "executionArn": self.execution(image), "reverseOrder": true, "maxResults": 1 });
        wait_for(&format!("the wait of {image}"), async || {
            let history = self.states("GetExecutionHistory", &last).await;
            let last = history["events"][0]["type"].as_str()?;
            (last == "WaitStateEntered").then_some(())
        })
        .await;
    }

    /// When steps of an image's execution have failed, those included that were tried again.
    pub async fn failures(&self, image: ImageRef) -> Vec<Timestamp> {
        let mut page = json!({ "executionArn": self.execution(image), "maxResults": 1000 });
        let mut failures = Vec::new();
        loop {
            let mut history = self.states("GetExecutionHistory", &page).await;
            let events = history["events"].as_array().unwrap().iter();
            let failed = events.filter(|event| event["type"] == "TaskFailed");
            failures.extend(failed.map(|event| {
                let seconds = event["timestamp"].to_string();
                let (seconds, rest) = seconds.split_once('.').unwrap_or((&seconds, ""));
                Timestamp::from_millis(format!("{seconds}{rest:0<3.3}").parse().unwrap())
            }));
            match history["nextToken"].take() {
                Value::Null => return failures,
                token => page["nextToken"] = token,
            }
        }
    }

    /// Stops an image's execution, as somebody might in the console.
    pub async fn stop(&self, image: ImageRef) {
        let stopped = self
            .states(
                "StopExecution",
                &json!({ "executionArn": self.execution(image) }),
            )
            .await;
        assert!(stopped["stopDate"] != Value::Null, "{stopped}");
    }

    /// Stops all executions of a batch that run; of which images these were.
    pub async fn stop_all(&self, batch: &str) -> Vec<ImageRef> {
        let (batch, mut stopped): (BatchId, _) = (batch.parse().unwrap(), Vec::new());
        for image in self.running().await {
            let stop = json!({ "executionArn": self.execution(image) });
            // It may have ended since.
            let stopping = self.try_json("AWSStepFunctions.StopExecution", &stop);
            if image.batch_id == batch && stopping.await.is_ok() {
                stopped.push(image);
            }
        }
        stopped
    }

    /// Makes the claim on an image one that has run out, which would take minutes.
    pub async fn let_lease_run_out(&self, image: ImageRef) {
        assert!(self.end_lease(image).await, "nobody has claimed {image}");
    }

    /// Makes the claim on an image, if there is one, one that has run out; was there one?
    pub async fn end_lease(&self, image: ImageRef) -> bool {
        let update = json!({
            "TableName": self.batches_table,
            "Key": {
                "pk": { "S": format!("BATCH#{}", image.batch_id) },
                "sk": { "S": format!("IMAGE#{:05}", image.index) },
            },
            "UpdateExpression": "SET lease_until = :past",
            "ConditionExpression": "attribute_exists(lease_until)",
            "ExpressionAttributeValues": { ":past": { "S": Timestamp::now() } },
        });
        let ended = self.try_json("DynamoDB_20120810.UpdateItem", &update).await;
        ended.is_ok()
    }

    /// Takes a record out of a table; the record.
    pub async fn take_record(&self, table: &str, pk: &str, sk: &str) -> Value {
        let delete = json!({
            "TableName": table,
            "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
            "ReturnValues": "ALL_OLD",
        });
        let mut taken = self.json("DynamoDB_20120810.DeleteItem", &delete).await;
        let record = taken["Attributes"].take();
        assert!(record.is_object(), "no {sk} of {pk}");
        record
    }

    /// Puts many records into tables: table -> records as JSON.
    pub async fn put_all(&self, records: &[(&str, &Value)]) {
        for some in records.chunks(25) {
            let mut tables: HashMap<&str, Vec<Value>> = HashMap::new();
            for (table, record) in some {
                let put = json!({ "PutRequest": { "Item": attribute(record)["M"] } });
                tables.entry(table).or_default().push(put);
            }
            let write = json!({ "RequestItems": tables });
            let written = self.json("DynamoDB_20120810.BatchWriteItem", &write).await;
            assert_eq!(written["UnprocessedItems"], json!({}));
        }
    }

    /// Puts a record into a table.
    pub async fn put_record(&self, table: &str, record: Value) {
        let put = json!({ "TableName": table, "Item": record });
        self.json("DynamoDB_20120810.PutItem", &put).await;
    }

    /// All records of one `pk`.
    pub async fn records(&self, table: &str, pk: &str) -> Vec<Value> {
        let query = json!({
            "TableName": table,
            "ConsistentRead": true,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": pk } },
        });
        let mut answer = self.json("DynamoDB_20120810.Query", &query).await;
        let Value::Array(records) = answer["Items"].take() else {
            panic!("no items: {answer}");
        };
        records
    }

    /// A queue that nobody reads; its URL.
    pub async fn queue(&self) -> String {
        let create = json!({ "QueueName": unique("queue") });
        let created = self.json("AmazonSQS.CreateQueue", &create).await;
        created["QueueUrl"].as_str().unwrap().to_owned()
    }

    /// All messages that wait in a queue, taken out of it.
    pub async fn take_messages<T: DeserializeOwned>(&self, queue: &str) -> Vec<T> {
        let receive = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
        let mut bodies = Vec::new();
        loop {
            let received = self.json("AmazonSQS.ReceiveMessage", &receive).await;
            let Some(messages) = received["Messages"].as_array().filter(|it| !it.is_empty()) else {
                return bodies;
            };
            bodies.extend(
                messages.iter().map(|message| {
                    serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()
                }),
            );
        }
    }

    /// A batch that the road leaves alone, so that a test alone decides what happens to its images: the names of their
    /// executions are taken by others, which have ended. Costs a credit an image.
    pub async fn quiet_batch(&self, user: &User, images: u32, prompt: &str) -> Vec<Work> {
        let account = user.account().await;
        // What they were started for is over: a photo that never came.
        let missing = user.link("image/png", 10).await.key;
        let ended = user
            .accepted(std::slice::from_ref(&missing), prompt)
            .await
            .batch_id;
        user.finished(&ended).await;
        let errand = Work {
            image: image(&ended, 0),
            key: missing.parse().unwrap(),
            prompt: None,
        };

        let key = unique("quiet");
        let batch_id = BatchId::derive(&account.user_id.parse().unwrap(), &key.parse().unwrap());
        let mut works = Vec::new();
        for index in 0..images {
            let image = ImageRef { batch_id, index };
            let start = json!({
                "stateMachineArn": self.workflow,
                "name": image.execution_name(),
                "input": json!(errand).to_string(),
            });
            self.states("StartExecution", &start).await;
            works.push(Work {
                image,
                key: user.photo().await.parse().unwrap(),
                prompt: None,
            });
        }
        for work in &works {
            wait_for("an execution without a task", async || {
                let executions = self.executions(work.image).await;
                (executions[0]["status"] == "SUCCEEDED").then_some(())
            })
            .await;
        }
        let images: Vec<_> = works
            .iter()
            .map(|work| json!({ "key": work.key }))
            .collect();
        let body = json!({ "images": images, "prompt": prompt });
        let accepted: api::SubmitResponse = user.submit(&key, &body).await.expect(202);
        assert_eq!(accepted.batch_id, batch_id.to_string());
        works
    }

    /// Does something while a function is cut off from the queue or stream that feeds it.
    pub async fn without<T>(&self, function: &str, work: impl Future<Output = T>) -> T {
        self.set_enabled(function, false).await;
        let done = AssertUnwindSafe(work).catch_unwind().await;
        // Also when it failed: other tests need the road.
        self.set_enabled(function, true).await;
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    async fn set_enabled(&self, function: &str, enabled: bool) {
        let name = self.physical(function);
        let path = format!("event-source-mappings/?FunctionName={name}");
        let listed = self.rest(Method::GET, &path, &Value::Null).await.unwrap();
        for mapping in listed["EventSourceMappings"].as_array().unwrap() {
            let path = format!(
                "event-source-mappings/{}",
                mapping["UUID"].as_str().unwrap()
            );
            let change = json!({ "Enabled": enabled });
            self.rest(Method::PUT, &path, &change).await.unwrap();
        }
    }

    /// Writes into a batch's own record, behind everybody's back. `values` are DynamoDB's, under the names in `expression`.
    pub async fn tamper(&self, batch: &str, expression: &str, values: &Value) {
        let mut names = json!({ "#open": "open", "#failed": "failed" });
        // Names that are not used are an error.
        names
            .as_object_mut()
            .unwrap()
            .retain(|name, _| expression.contains(name.as_str()));
        let mut change = json!({
            "TableName": self.batches_table,
            "Key": { "pk": { "S": format!("BATCH#{batch}") }, "sk": { "S": "META" } },
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
        });
        if names != json!({}) {
            change["ExpressionAttributeNames"] = names;
        }
        self.json("DynamoDB_20120810.UpdateItem", &change).await;
    }

    /// Runs reconcile, with this batch due for a look; what it did, in all the batches that were due.
    pub async fn reconcile(&self, inside: &Inside, batch: &str) -> Value {
        let long_ago = Timestamp::from_millis(0);
        let due = inside.tables.look_again(batch.parse().unwrap(), long_ago);
        due.await.unwrap();
        self.tick().await
    }

    /// Runs reconcile until its looks at this batch have brought what is wanted. Another test's tick may be at the batch
    /// when it is made due, and puts its next look off afterwards.
    pub async fn reconcile_until(
        &self,
        inside: &Inside,
        user: &User,
        batch: &str,
        wanted: impl Fn(&BatchStatus) -> bool,
    ) -> BatchStatus {
        wait_for(
            &format!("what reconcile does for batch {batch}"),
            async || {
                self.reconcile(inside, batch).await;
                let status = user.status(batch).await;
                wanted(&status).then_some(status)
            },
        )
        .await
    }

    /// Runs reconcile on whatever is due; what it did.
    pub async fn tick(&self) -> Value {
        let tick = include_str!("../../events/reconcile/tick.json");
        let tick = serde_json::from_str(tick).unwrap();
        self.invoke("Reconcile", &tick).await.unwrap()
    }

    /// How many messages wait in the edit queue.
    pub async fn queued(&self) -> u64 {
        let name = "ApproximateNumberOfMessages";
        let [queued] = self.numbers(&self.edit_queue, [name]).await;
        queued
    }

    /// Waits until nothing is in the queue that an output names, nor with its consumer.
    pub async fn is_through(&self, stack: &Stack, output: &str) {
        wait_for(&format!("the end of {output}"), async || {
            (self.undelivered(stack, output).await == 0).then_some(())
        })
        .await;
    }

    /// What these attributes of a queue count.
    async fn numbers<const N: usize>(&self, queue: &str, names: [&str; N]) -> [u64; N] {
        let query = json!({ "QueueUrl": queue, "AttributeNames": names.as_slice() });
        let answer = self.json("AmazonSQS.GetQueueAttributes", &query).await;
        let number = |name| answer["Attributes"][name].as_str().unwrap().parse();
        names.map(|name| number(name).unwrap())
    }

    /// How many messages of a queue that an output names are not to be delivered yet.
    pub async fn delayed(&self, stack: &Stack, output: &str) -> u64 {
        let names = ["ApproximateNumberOfMessagesDelayed"];
        let [delayed] = self.numbers(&stack.outputs[output], names).await;
        delayed
    }

    /// How many messages a queue that an output names still has to deliver, those included that somebody is at.
    pub async fn undelivered(&self, stack: &Stack, output: &str) -> u64 {
        let names = ["", "Delayed", "NotVisible"];
        let names = names.map(|which| format!("ApproximateNumberOfMessages{which}"));
        let names = names.each_ref().map(String::as_str);
        let left = self.numbers(&stack.outputs[output], names).await;
        left.iter().sum()
    }

    /// Takes so many messages out of the edit queue, as a consumer does that dies with them in its hands; by what they
    /// can be put back.
    pub async fn hold_messages(&self, count: usize) -> Vec<String> {
        let mut held = Vec::new();
        while held.len() < count {
            let receive = json!({
                "QueueUrl": self.edit_queue,
                "MaxNumberOfMessages": 10.min(count - held.len()),
                "VisibilityTimeout": 600,
            });
            let received = self.json("AmazonSQS.ReceiveMessage", &receive).await;
            let messages = received["Messages"].as_array().into_iter().flatten();
            held.extend(messages.map(|it| it["ReceiptHandle"].as_str().unwrap().to_owned()));
        }
        held
    }

    /// Puts back what [`Engine::hold_messages`] took.
    pub async fn put_back(&self, held: &[String]) {
        for message in held {
            let change = json!({
                "QueueUrl": self.edit_queue,
                "ReceiptHandle": message,
                "VisibilityTimeout": 0,
            });
            self.json("AmazonSQS.ChangeMessageVisibility", &change)
                .await;
        }
    }

    /// Empties the edit queue: what is in it is lost.
    pub async fn lose_messages(&self) {
        let queue = json!({ "QueueUrl": self.edit_queue });
        self.json("AmazonSQS.PurgeQueue", &queue).await;
    }

    /// Puts a message into the queue that an output names.
    pub async fn put_letter(&self, stack: &Stack, output: &str, body: &str) -> String {
        let message = json!({ "QueueUrl": stack.outputs[output], "MessageBody": body });
        let sent = self.json("AmazonSQS.SendMessage", &message).await;
        sent["MessageId"].as_str().unwrap().to_owned()
    }

    /// Has the messages of the queue that an output names come again after so many seconds.
    pub async fn set_patience(&self, stack: &Stack, output: &str, seconds: u32) {
        let change = json!({
            "QueueUrl": stack.outputs[output],
            "Attributes": { "VisibilityTimeout": seconds.to_string() },
        });
        self.json("AmazonSQS.SetQueueAttributes", &change).await;
    }

    /// Empties the queue that an output names.
    pub async fn purge(&self, stack: &Stack, output: &str) {
        let queue = json!({ "QueueUrl": stack.outputs[output] });
        self.json("AmazonSQS.PurgeQueue", &queue).await;
    }

    /// Somebody's ledger, in its order, after a look at R1: no gap, no name twice, and the balance is its sum.
    pub async fn ledger(&self, user: &User) -> Vec<Entry> {
        let account = user.account().await;
        let query = json!({
            "TableName": self.credits_table,
            "ConsistentRead": true,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": {
                ":pk": { "S": format!("USER#{}", account.user_id) },
                ":sk": { "S": "TXN#" },
            },
        });
        let answer = self.json("DynamoDB_20120810.Query", &query).await;
        let number = |attribute: &Value| attribute["N"].as_str().unwrap().parse::<i64>().unwrap();
        let mut entries: Vec<_> = answer["Items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| Entry {
                id: item["sk"]["S"].as_str().unwrap()[4..].to_owned(),
                seq: u64::try_from(number(&item["seq"])).unwrap(),
                amount: number(&item["amount"]),
            })
            .collect();
        entries.sort_by_key(|entry| entry.seq);
        assert!(
            entries
                .iter()
                .map(|entry| entry.seq)
                .eq(1..=entries.len() as u64),
            "{entries:?}"
        );
        let sum: i64 = entries.iter().map(|entry| entry.amount).sum();
        assert_eq!(sum, i64::try_from(account.credits).unwrap(), "{entries:?}");
        entries
    }

    fn physical(&self, function: &str) -> &str {
        let part = format!("-{function}Function-");
        let found = self.functions.iter().find(|name| name.contains(&part));
        found.unwrap_or_else(|| panic!("no {part} among {:?}", self.functions))
    }

    fn execution(&self, image: ImageRef) -> String {
        let machine = self.workflow.replacen(":stateMachine:", ":execution:", 1);
        format!("{machine}:{}", image.execution_name())
    }

    async fn states(&self, operation: &str, body: &Value) -> Value {
        self.json(&format!("AWSStepFunctions.{operation}"), body)
            .await
    }

    /// Calls a service of the JSON protocol.
    pub(crate) async fn json(&self, target: &str, body: &Value) -> Value {
        let answer = self.try_json(target, body).await;
        answer.unwrap_or_else(|error| panic!("{target}: {error}"))
    }

    /// The same, when it may refuse.
    async fn try_json(&self, target: &str, body: &Value) -> Result<Value, String> {
        let request = self
            .http
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .body(body.to_string());
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        if !status.is_success() {
            return Err(format!("{status} {text}"));
        }
        // Some answer nothing at all.
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Calls Lambda. A function's own failure is an answer; the engine's is the end of the test.
    async fn rest(&self, method: Method, path: &str, body: &Value) -> Result<Value, TaskFailed> {
        let url = format!("{}/2015-03-31/{path}", self.endpoint);
        let response = self.http.request(method, url).json(body).send().await;
        let response = response.unwrap();
        let status = response.status();
        let failed = response.headers().contains_key("x-amz-function-error");
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        if failed {
            return Err(serde_json::from_str(&text).unwrap());
        }
        Ok(serde_json::from_str(&text).unwrap())
    }
}

/// JSON as DynamoDB writes it.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(value) => json!({ "N": value.to_string() }),
        Value::String(value) => json!({ "S": value }),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(attribute).collect();
            json!({ "L": values })
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, it)| (name.clone(), attribute(it)));
            json!({ "M": fields.collect::<serde_json::Map<_, _>>() })
        }
    }
}

/// An image of a batch, by the id that the API gave.
#[must_use]
pub fn image(batch: &str, index: u32) -> ImageRef {
    ImageRef {
        batch_id: batch.parse().unwrap(),
        index,
    }
}

/// The stream's records about these new batches, as one event.
#[must_use]
pub fn stream_event(batches: &[&str]) -> Value {
    let one = include_str!("../../events/fan-out/new-batch.json");
    let records: Vec<_> = batches
        .iter()
        .map(|batch| {
            let mut event: Value =
                serde_json::from_str(&one.replace(BATCH_OF_EVENTS, batch)).unwrap();
            event["Records"][0].take()
        })
        .collect();
    json!({ "Records": records })
}

/// Messages with these bodies, sent just now, as one event; each is named `message-<place>`.
#[must_use]
pub fn queue_event(bodies: &[String]) -> Value {
    let two: Value =
        serde_json::from_str(include_str!("../../events/start-edit/two-images.json")).unwrap();
    let records: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(place, body)| {
            let mut record = two["Records"][0].clone();
            record["messageId"] = json!(format!("message-{place}"));
            record["body"] = json!(body);
            // What is too old is given up.
            record["attributes"]["SentTimestamp"] = json!(Timestamp::now().as_millis().to_string());
            record
        })
        .collect();
    json!({ "Records": records })
}

/// What the edit queue holds for this work.
#[must_use]
pub fn letter(work: &Work) -> String {
    serde_json::to_string(work).unwrap()
}

/// What EventBridge writes into the rescue queue when the execution of this work has ended badly.
#[must_use]
pub fn bad_end(work: &Work, status: &str) -> String {
    let event: Value = serde_json::from_str(include_str!(
        "../../events/rescue-image/letter-and-execution.json"
    ))
    .unwrap();
    let body = event["Records"][1]["body"].as_str().unwrap();
    let mut change: Value = serde_json::from_str(body).unwrap();
    let detail = &mut change["detail"];
    detail["name"] = json!(work.image.execution_name());
    detail["status"] = json!(status);
    detail["input"] = json!(letter(work));
    change.to_string()
}
