//! What every resource of the template owes: names left to CloudFormation, exact policies, logs that end, queues that
//! lose nothing, and money and photos that outlive the stack.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;
use tidy::{Faults, Reference, Statement, Template};

/// Properties that end in `Name` but name something else.
const NO_PHYSICAL_NAMES: [(&str, &str); 5] = [
    // Has to have one, and its stack's name is in it.
    ("AWS::CloudFront::Function", "Name"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
    // Google.
    ("AWS::Cognito::UserPoolIdentityProvider", "ProviderName"),
    ("AWS::Lambda::Permission", "FunctionName"),
    // Whose lines it reads.
    ("AWS::Logs::MetricFilter", "LogGroupName"),
];

/// What holds money, photos or people.
const KEPT: [&str; 3] = [
    "AWS::Cognito::UserPool",
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
];

#[test]
fn nothing_has_a_physical_name() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for resource in template.resources() {
        for name in resource.properties().filter(|name| name.ends_with("Name")) {
            faults.unless(
                NO_PHYSICAL_NAMES.contains(&(resource.kind, name)),
                format!("{}: {name}", resource.id),
            );
        }
    }
    faults.none_or(
        "Delete the property and let CloudFormation make the name: two stacks must fit one account, and a resource with a \
         name cannot be replaced. (A property that names something else belongs into NO_PHYSICAL_NAMES.)",
    )
}

#[test]
fn no_statement_is_wider_than_its_purpose() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for statement in template.statements() {
        let Statement { resource, body, .. } = statement;
        let name = body["Sid"].as_str().unwrap_or("a statement");
        let mut wide = |what: &str| faults.found(format!("{}: {name} {what}", resource.id));
        if !body["NotAction"].is_null() || !body["NotResource"].is_null() {
            wide("says what it does not mean (NotAction, NotResource)");
        }
        if only_over_tls(&statement) {
            continue;
        }
        for action in tidy::each(&body["Action"]) {
            if action
                .as_str()
                .is_none_or(|action| action.contains(['*', '?']))
            {
                wide(&format!("allows {action}"));
            }
        }
        if tidy::each(&body["Resource"]).any(is_everything) {
            wide("is about every resource");
        }
        let principals = body["Principal"].as_object().into_iter().flatten();
        if body["Principal"] == "*"
            || principals
                .flat_map(|(_, it)| tidy::each(it))
                .any(is_everything)
        {
            wide("is for everybody");
        }
    }
    faults.none_or("Name the exact actions, resources and principals that the function needs.")
}

/// The one statement that may be about everything, because it only takes away: no bucket is read or written in the clear.
fn only_over_tls(statement: &Statement) -> bool {
    statement.resource.kind == "AWS::S3::BucketPolicy"
        && tidy::at(statement.body, &["Effect"]) == "Deny"
        && tidy::at(
            statement.body,
            &["Condition", "Bool", "aws:SecureTransport"],
        ) == "false"
}

fn is_everything(value: &Value) -> bool {
    value == "*" || tidy::at(value, &["Fn::Sub"]) == "*"
}

#[test]
fn every_statement_names_its_purpose() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    // A role's trust policy is one statement of one meaning.
    for statement in template.statements().iter().filter(|it| !it.is_trust) {
        let sid = statement.body["Sid"].as_str().unwrap_or_default();
        let actions = &statement.body["Action"];
        faults.unless(
            !sid.is_empty(),
            format!("{}: {actions}", statement.resource.id),
        );
    }
    faults.none_or("Give the statement a Sid that says what for: one statement per intent.")
}

#[test]
fn no_policy_is_made_by_others() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for resource in template.resources() {
        let id = resource.id;
        faults.unless(
            resource.kind != "AWS::IAM::ManagedPolicy",
            format!("{id} is a managed policy"),
        );
        for name in resource.properties() {
            let managed = name == "ManagedPolicyArns"
                || (name == "Policies" && resource.kind.starts_with("AWS::Serverless::"));
            faults.unless(!managed, format!("{id}: {name}"));
        }
    }
    faults.none_or("Write the statements into the role's own policy: managed ones and SAM's templates allow more than is needed.")
}

#[test]
fn every_function_has_a_role_of_its_own() -> Result<()> {
    let template = Template::load()?;
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut faults = Faults::new();
    let kinds = ["AWS::Serverless::Function", "AWS::Serverless::StateMachine"];
    for resource in template.resources().filter(|it| kinds.contains(&it.kind)) {
        match template.referred(resource.property("Role")) {
            Some(role) if role.kind == "AWS::IAM::Role" => {
                owners.entry(role.id).or_default().push(resource.id);
            }
            _ => faults.found(format!("{} has no Role of the template", resource.id)),
        }
    }
    for (role, owners) in owners {
        faults.unless(
            owners.len() == 1,
            format!("{role} belongs to {}", owners.join(" and ")),
        );
    }
    faults.none_or(
        "Give each its own AWS::IAM::Role with the statements that it needs, and name it in Role.",
    )
}

#[test]
fn every_function_writes_its_own_log_which_ends() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for group in template.of_type("AWS::Logs::LogGroup") {
        faults.unless(
            !group.property("RetentionInDays").is_null(),
            format!("{} has no RetentionInDays", group.id),
        );
    }
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for function in template.functions()? {
        let id = function.resource.id;
        let group = template.referred(&function.resource.property("LoggingConfig")["LogGroup"]);
        let Some(group) = group.filter(|it| it.kind == "AWS::Logs::LogGroup") else {
            faults.found(format!(
                "{id} has no LoggingConfig.LogGroup of the template"
            ));
            continue;
        };
        if let Some(owner) = owners.insert(group.id, id) {
            faults.found(format!("{} belongs to {owner} and {id}", group.id));
        }
        let role = template.referred(function.resource.property("Role"));
        let may_write = template.statements().iter().any(|statement| {
            Some(statement.resource.id) == role.map(|role| role.id)
                && tidy::each(&statement.body["Action"]).any(|it| it == "logs:PutLogEvents")
                && Reference::of(&statement.body["Resource"]).map(|it| it.id) == Some(group.id)
        });
        faults.unless(
            may_write,
            format!("{id}: its role may not write {}", group.id),
        );
    }
    faults.none_or(
        "Give the function an AWS::Logs::LogGroup with RetentionInDays, name it in LoggingConfig, and let the role write \
         it: the group that Lambda makes by itself keeps logs for ever, and stays behind.",
    )
}

#[test]
fn queue_consumers_report_each_record_and_lose_none() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for function in template.functions()? {
        for event in function.events().filter(|event| event.kind == "SQS") {
            let name = format!("{}: {}", function.resource.id, event.name);
            let reports = tidy::each(&event.properties["FunctionResponseTypes"])
                .any(|it| it == "ReportBatchItemFailures");
            faults.unless(reports, format!("{name} has no ReportBatchItemFailures"));
            match template.referred(&event.properties["Queue"]) {
                Some(queue) => {
                    let policy = queue.property("RedrivePolicy");
                    let target = template.referred(&policy["deadLetterTargetArn"]);
                    faults.unless(
                        target.is_some() && policy["maxReceiveCount"].is_u64(),
                        format!(
                            "{} has no RedrivePolicy to a queue of the template",
                            queue.id
                        ),
                    );
                }
                None => faults.found(format!("{name} has no Queue of the template")),
            }
        }
    }
    faults.none_or(
        "Set FunctionResponseTypes: [ReportBatchItemFailures] (one bad record must not repeat nine good ones) and a \
         RedrivePolicy (a record that never works must not go round until it is deleted).",
    )
}

#[test]
fn no_record_blocks_a_stream() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for function in template.functions()? {
        let streams = function
            .events()
            .filter(|it| ["DynamoDB", "Kinesis"].contains(&it.kind));
        for event in streams {
            let mut lacks = |what| {
                faults.found(format!(
                    "{}: {} has no {what}",
                    function.resource.id, event.name
                ));
            };
            // -1 stands for "for ever".
            if event.properties["MaximumRetryAttempts"].as_u64().is_none() {
                lacks("bound of MaximumRetryAttempts");
            }
            if event.properties["BisectBatchOnFunctionError"] != true {
                lacks("BisectBatchOnFunctionError");
            }
            let aside = &event.properties["DestinationConfig"]["OnFailure"]["Destination"];
            if template.referred(aside).is_none() {
                lacks("OnFailure destination of the template");
            }
        }
    }
    faults.none_or(
        "Bound the retries, bisect, and put what fails aside in a queue: by default one poisoned record stops its shard \
         until it expires, and every later batch with it.",
    )
}

#[test]
fn money_photos_and_people_outlive_the_stack() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for resource in template.resources().filter(|it| KEPT.contains(&it.kind)) {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            let value = &resource.body[policy];
            faults.unless(
                *value == "Retain",
                format!("{}: {policy} is {value}", resource.id),
            );
        }
    }
    faults.none_or("Set it to Retain: a deleted stack, or a property that replaces the resource, would take the data with it.")
}

#[test]
fn the_dashboard_shows_every_alarm_and_function() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    let mut shown = String::new();
    for dashboard in template.of_type("AWS::CloudWatch::Dashboard") {
        let body = tidy::at(dashboard.property("DashboardBody"), &["Fn::Sub"]);
        let body = body.as_str().unwrap_or_default();
        if let Err(error) = serde_json::from_str::<Value>(body) {
            faults.found(format!(
                "{}: DashboardBody is no JSON: {error}",
                dashboard.id
            ));
        }
        shown.push_str(body);
    }
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    let functions = template.of_type("AWS::Serverless::Function");
    let expected = alarms
        .map(|alarm| (alarm.id, format!("\"${{{}.Arn}}\"", alarm.id)))
        .chain(functions.map(|function| {
            let id = function.id;
            (id, format!("\"Errors\", \"FunctionName\", \"${{{id}}}\""))
        }));
    for (id, text) in expected {
        faults.unless(shown.contains(&text), format!("{id} is on no dashboard"));
    }
    faults.none_or("Add the alarm to the dashboard's alarms, or the function to its errors.")
}

#[test]
fn parameters_and_outputs_say_what_they_are() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for section in ["Parameters", "Outputs"] {
        for (name, body) in template.section(section).as_object().into_iter().flatten() {
            let description = body["Description"].as_str().unwrap_or_default();
            faults.unless(!description.is_empty(), format!("{section}: {name}"));
        }
    }
    faults.none_or("Give it a Description: it is all that whoever deploys gets to read.")
}

#[test]
fn every_package_is_one_function() -> Result<()> {
    let template = Template::load()?;
    let functions = template.functions()?;
    let packages = tidy::folders("functions")?;
    let mut faults = Faults::new();
    for package in &packages {
        let manifest = tidy::read(&format!("functions/{package}/Cargo.toml"))?;
        faults.unless(
            manifest.contains(&format!("name = \"{package}\"\n")),
            format!("functions/{package}: the package has another name"),
        );
        let built = functions.iter().filter(|it| it.package == package).count();
        faults.unless(
            built == 1,
            format!("functions/{package} is {built} functions of the template"),
        );
    }
    for function in &functions {
        let (id, package) = (function.resource.id, function.package);
        faults.unless(
            packages.iter().any(|name| name == package),
            format!("{id} is built from functions/{package}, which is not there"),
        );
        // Built anywhere else, cargo would unite its dependencies' features with those of other packages.
        let code = function.resource.property("CodeUri");
        faults.unless(
            code == &format!("functions/{package}"),
            format!("{id}: CodeUri is {code}"),
        );
    }
    faults.none_or(
        "Folder, package and Metadata.BuildProperties.Binary have one name, which CodeUri ends with, and each package is one \
         function.",
    )
}
