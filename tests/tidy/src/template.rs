//! `template.yaml`. Its tags are read as the long forms that they stand for, so a rule sees one form only:
//! `!Ref X` is `{"Ref": "X"}` and `!GetAtt X.Arn` is `{"Fn::GetAtt": ["X", "Arn"]}`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use crate::tree;

/// The template.
#[derive(Debug)]
pub struct Template(Value);

/// Something that the template makes.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// Its logical id.
    pub id: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// All of it.
    pub body: &'a Value,
}

/// A Lambda function.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    /// The resource.
    pub resource: Resource<'a>,
    /// The package that it is built from.
    pub package: &'a str,
    globals: &'a Value,
    parameters: &'a Value,
}

/// What starts a function.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Its name in the function.
    pub name: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// Its properties.
    pub properties: &'a Value,
}

/// A `Ref` or `GetAtt`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reference<'a> {
    /// Whose.
    pub id: &'a str,
    /// Which attribute; none for a `Ref`.
    pub attribute: Option<&'a str>,
}

/// One statement of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// What the policy belongs to.
    pub resource: Resource<'a>,
    /// Whether it says who may take on a role.
    pub is_trust: bool,
    /// The statement.
    pub body: &'a Value,
}

impl Template {
    /// Reads `template.yaml`.
    pub fn load() -> Result<Self> {
        Self::parse(&tree::read("template.yaml")?).context("in template.yaml")
    }

    fn parse(text: &str) -> Result<Self> {
        let documents = Yaml::load_from_str(text)?;
        let [document] = documents.as_slice() else {
            bail!("this is not one document");
        };
        let template = Self(long_form(document)?);
        ensure!(
            template.resources().next().is_some(),
            "there are no resources"
        );
        Ok(template)
    }

    /// A section, such as `Parameters`.
    #[must_use]
    pub fn section(&self, name: &str) -> &Value {
        at(&self.0, &[name])
    }

    /// Everything that it makes.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        entries(at(&self.0, &["Resources"])).map(|(id, body)| Resource {
            id,
            kind: at(body, &["Type"]).as_str().unwrap_or_default(),
            body,
        })
    }

    /// Everything of one type.
    pub fn of_type(&self, kind: &str) -> impl Iterator<Item = Resource<'_>> {
        self.resources().filter(move |it| it.kind == kind)
    }

    /// The resource that a value refers to.
    #[must_use]
    pub fn referred(&self, value: &Value) -> Option<Resource<'_>> {
        let id = Reference::of(value)?.id;
        self.resources().find(|resource| resource.id == id)
    }

    /// A number, or the default of the parameter that a value refers to.
    #[must_use]
    pub fn number(&self, value: &Value) -> Option<u64> {
        number(self.section("Parameters"), value)
    }

    /// All functions.
    pub fn functions(&self) -> Result<Vec<Function<'_>>> {
        let functions = self.of_type("AWS::Serverless::Function").map(|resource| {
            let binary = at(resource.body, &["Metadata", "BuildProperties", "Binary"]);
            Ok(Function {
                resource,
                package: binary.as_str().with_context(|| {
                    format!(
                        "{}: Metadata.BuildProperties.Binary is missing",
                        resource.id
                    )
                })?,
                globals: at(&self.0, &["Globals", "Function"]),
                parameters: self.section("Parameters"),
            })
        });
        let functions = functions.collect::<Result<Vec<_>>>()?;
        ensure!(
            !functions.is_empty(),
            "there are no functions in the template"
        );
        Ok(functions)
    }

    /// All statements of all policies.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement<'_>> {
        let mut found = Vec::new();
        for resource in self.resources() {
            collect_statements(resource, resource.body, &mut found);
        }
        found
    }
}

impl<'a> Resource<'a> {
    /// One of its properties; null if it is not set.
    #[must_use]
    pub fn property(&self, name: &str) -> &'a Value {
        at(self.body, &["Properties", name])
    }

    /// The names of its properties.
    pub fn properties(&self) -> impl Iterator<Item = &'a str> {
        entries(at(self.body, &["Properties"])).map(|(name, _)| name)
    }
}

impl<'a> Function<'a> {
    /// How long it may run, in seconds.
    #[must_use]
    pub fn timeout(&self) -> u64 {
        let own = number(self.parameters, self.resource.property("Timeout"));
        own.or_else(|| at(self.globals, &["Timeout"]).as_u64())
            .unwrap_or(3)
    }

    /// The names of the variables that it is given.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<String> {
        let own = at(
            self.resource.body,
            &["Properties", "Environment", "Variables"],
        );
        let common = at(self.globals, &["Environment", "Variables"]);
        entries(own)
            .chain(entries(common))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// What starts it.
    pub fn events(&self) -> impl Iterator<Item = Event<'a>> {
        entries(self.resource.property("Events")).map(|(name, body)| Event {
            name,
            kind: at(body, &["Type"]).as_str().unwrap_or_default(),
            properties: at(body, &["Properties"]),
        })
    }
}

impl<'a> Reference<'a> {
    /// What a value refers to, if it is a reference and nothing else.
    #[must_use]
    pub fn of(value: &'a Value) -> Option<Self> {
        if let Some(id) = at(value, &["Ref"]).as_str() {
            return Some(Self {
                id,
                attribute: None,
            });
        }
        match at(value, &["Fn::GetAtt"]).as_array()?.as_slice() {
            [Value::String(id), Value::String(attribute)] => Some(Self {
                id,
                attribute: Some(attribute),
            }),
            _ => None,
        }
    }
}

fn number(parameters: &Value, value: &Value) -> Option<u64> {
    let parameter = at(value, &["Ref"]).as_str();
    let default = parameter.map(|name| at(parameters, &[name, "Default"]));
    default.unwrap_or(value).as_u64()
}

/// What lies under these keys, one in the other; null if nothing does.
#[must_use]
pub fn at<'a>(value: &'a Value, keys: &[&str]) -> &'a Value {
    let found = keys.iter().try_fold(value, |value, key| value.get(key));
    found.unwrap_or(&Value::Null)
}

/// A list's items; a value that is no list is its own only item, as in policies. Null has none.
pub fn each(value: &Value) -> impl Iterator<Item = &Value> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    items.iter()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.as_str(), value))
}

fn collect_statements<'a>(
    resource: Resource<'a>,
    value: &'a Value,
    found: &mut Vec<Statement<'a>>,
) {
    for (name, value) in entries(value) {
        if name == "PolicyDocument" || name == "AssumeRolePolicyDocument" {
            found.extend(each(at(value, &["Statement"])).map(|body| Statement {
                resource,
                is_trust: name == "AssumeRolePolicyDocument",
                body,
            }));
        } else {
            collect_statements(resource, value, found);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        collect_statements(resource, item, found);
    }
}

fn long_form(yaml: &Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(long_form).collect::<Result<_>>()?,
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let key = key
                    .as_str()
                    .with_context(|| format!("{key:?} is no name"))?;
                object.insert(key.to_owned(), long_form(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tag, value) => {
            let value = long_form(value)?;
            match (tag.suffix.as_str(), &value) {
                ("Ref" | "Condition", _) => json!({ tag.suffix.as_str(): value }),
                ("GetAtt", Value::String(path)) => {
                    let (id, attribute) = path
                        .split_once('.')
                        .with_context(|| format!("!GetAtt {path} names no attribute"))?;
                    json!({ "Fn::GetAtt": [id, attribute] })
                }
                (function, _) => json!({ format!("Fn::{function}"): value }),
            }
        }
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => bail!("cannot read {yaml:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_their_long_forms() {
        let text =
            "Resources:\n  A: { Type: T, B: [!Ref X, !GetAtt X.Y.Z, !Sub '${X}/*', true, 7] }\n";
        let template = Template::parse(text).unwrap();
        let resource = template.resources().next().unwrap();
        assert_eq!(
            resource.body["B"],
            json!([
                {"Ref": "X"},
                {"Fn::GetAtt": ["X", "Y.Z"]},
                {"Fn::Sub": "${X}/*"},
                true,
                7,
            ])
        );
        let references: Vec<_> = each(&resource.body["B"]).map(Reference::of).collect();
        let expected = |attribute| Some(Reference { id: "X", attribute });
        assert_eq!(
            references,
            [expected(None), expected(Some("Y.Z")), None, None, None]
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error() {
        assert!(Template::parse("Resources:\n  A: { Type: T }\n  A: { Type: U }\n").is_err());
    }
}
