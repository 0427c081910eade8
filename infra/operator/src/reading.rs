//! Reading what there is, as of now: records of one key, all records of a table, objects.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionError, DescribeExecutionOutput};
use domain::{BatchId, ImageRef};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{record::Record, stack::Stack};

/// Executions that are asked for at the same time.
const AT_ONCE: usize = 8;

impl Stack {
    /// All records of one `pk`.
    pub(crate) async fn records(&self, table: &str, pk: &str) -> Result<Vec<Record>> {
        let mut items = self
            .dynamodb
            .query()
            .table_name(table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .into_paginator()
            .items()
            .send();
        let mut records = Vec::new();
        while let Some(item) = items.next().await {
            records.push(Record::of(item.with_context(|| format!("reading {pk}"))?)?);
        }
        Ok(records)
    }

    /// All records of a table, those of one `pk` together.
    ///
    /// A table returns what has one `pk` in a row. Should a row ever be torn, its parts look wrong, and what looks wrong
    /// is read again as a whole.
    pub(crate) async fn scan(
        &self,
        table: &str,
        pk_begins: &str,
        mut each: impl AsyncFnMut(&str, &[Record]) -> Result<()>,
    ) -> Result<()> {
        let mut items = self
            .dynamodb
            .scan()
            .table_name(table)
            .consistent_read(true)
            .filter_expression("begins_with(pk, :begins)")
            .expression_attribute_values(":begins", AttributeValue::S(pk_begins.to_owned()))
            .into_paginator()
            .items()
            .send();
        let mut row: Vec<Record> = Vec::new();
        while let Some(item) = items.next().await {
            let record = Record::of(item.with_context(|| format!("scanning {table}"))?)?;
            if let Some(first) = row.first()
                && first.pk != record.pk
            {
                each(&first.pk, &row).await?;
                row.clear();
            }
            row.push(record);
        }
        match row.first() {
            Some(first) => each(&first.pk, &row).await,
            None => Ok(()),
        }
    }

    /// The keys of all objects that begin like this.
    pub async fn objects(&self, prefix: &str) -> Result<BTreeSet<String>> {
        let mut pages = self
            .s3
            .list_objects_v2()
            .bucket(&self.names.photos_bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.with_context(|| format!("listing {prefix}"))?;
            let found = page.contents.unwrap_or_default();
            keys.extend(found.into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    /// The bytes of an object; `None` if there is none.
    pub(crate) async fn object(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let got = self
            .s3
            .get_object()
            .bucket(&self.names.photos_bucket)
            .key(key)
            .send()
            .await;
        let object = match got {
            Ok(object) => object,
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_s3::operation::get_object::GetObjectError::is_no_such_key,
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error).with_context(|| format!("reading {key}")),
        };
        let bytes = object.body.collect().await;
        let bytes = bytes.with_context(|| format!("reading {key}"))?;
        Ok(Some(bytes.to_vec()))
    }

    /// The batches with open images, by the index that holds no other.
    pub(crate) async fn open_batches(&self) -> Result<BTreeSet<String>> {
        let mut items = self
            .dynamodb
            .scan()
            .table_name(&self.names.batches_table)
            .index_name("open")
            .into_paginator()
            .items()
            .send();
        let mut open = BTreeSet::new();
        while let Some(item) = items.next().await {
            open.insert(Record::of(item.context("reading the open batches")?)?.pk);
        }
        Ok(open)
    }

    /// What became of a batch's executions, by image; those of them that were started, and are not forgotten yet.
    pub(crate) async fn executions(
        &self,
        batch_id: BatchId,
        images: u32,
    ) -> Result<BTreeMap<u32, DescribeExecutionOutput>> {
        let described = stream::iter(0..images)
            .map(|index| async move {
                let found = self.execution(ImageRef { batch_id, index }).await?;
                anyhow::Ok(found.map(|execution| (index, execution)))
            })
            .buffered(AT_ONCE);
        described
            .try_filter_map(async |it| Ok(it))
            .try_collect()
            .await
    }

    async fn execution(&self, image: ImageRef) -> Result<Option<DescribeExecutionOutput>> {
        let workflow = &self.names.edit_workflow_arn;
        let executions = workflow.replacen(":stateMachine:", ":execution:", 1);
        let described = self
            .sfn
            .describe_execution()
            .execution_arn(format!("{executions}:{}", image.execution_name()))
            .send()
            .await;
        match described {
            Ok(execution) => Ok(Some(execution)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeExecutionError::is_execution_does_not_exist) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("the execution of {image}")),
        }
    }

    /// The names of all executions that run.
    pub(crate) async fn running(&self) -> Result<Vec<String>> {
        let mut executions = self
            .sfn
            .list_executions()
            .state_machine_arn(&self.names.edit_workflow_arn)
            .status_filter(aws_sdk_sfn::types::ExecutionStatus::Running)
            .into_paginator()
            .items()
            .send();
        let mut names = Vec::new();
        while let Some(execution) = executions.next().await {
            names.push(execution.context("listing executions")?.name);
        }
        Ok(names)
    }
}
