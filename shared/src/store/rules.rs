//! The operator's rules. Each lies where it is for: with all, with its user, or within its enrollment,
//! so that a car's are read in a few queries and an erasure takes those of its own; a pointer finds it
//! by its id.

use aws_sdk_dynamodb::types::{Delete, Put};
use serde::{Deserialize, Serialize};

use super::{
    Error, Item, SCHEMA, Store, Transaction, enrollments::partition, from_json, json, parse,
    part::page, text, to_item,
};
use crate::domain::{
    enrollment::{Enrollment, UserRef},
    ids::{EnrollmentId, RuleId},
    rule::{Rule, Target},
};

/// The pointers, in the order of their ids.
const POINTERS: &str = "RULES";

#[derive(Serialize, Deserialize)]
struct RuleItem {
    pk: String,
    sk: String,
    schema: u8,
    body: String,
}

#[derive(Serialize, Deserialize)]
struct PointerItem {
    pk: String,
    sk: String,
    schema: u8,
    /// The partition of the rule.
    home: String,
}

fn rule_key(id: &RuleId) -> String {
    format!("RULE#{id}")
}

fn of_user(user: &UserRef) -> String {
    format!("RULES#user#{}", user.as_str())
}

fn home(target: &Target) -> String {
    match target {
        Target::All => "RULES#all".to_owned(),
        Target::UserRef(user) => of_user(user),
        Target::Car(car) => partition(&car.enrollment),
    }
}

fn read(item: Item) -> Result<Rule, Error> {
    from_json(&parse::<RuleItem>(item, "rule")?.body, "rule")
}

impl Store {
    /// Adds a rule.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn add_rule_in(&self, transaction: &mut Transaction, rule: &Rule) -> Result<(), Error> {
        let pointer = PointerItem {
            pk: POINTERS.to_owned(),
            sk: rule_key(&rule.id),
            schema: SCHEMA,
            home: home(&rule.wish.target),
        };
        transaction.put(self.put_record(to_item(&pointer, "rule")?)?);
        transaction.put(self.put_record(Self::rule_item(rule)?)?);
        if let Target::Car(car) = &rule.wish.target {
            self.demand_open_in(transaction, &car.enrollment)?;
        }
        Ok(())
    }

    /// Writes a rule that is still there; whom it is for stays.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn change_rule_in(&self, transaction: &mut Transaction, rule: &Rule) -> Result<(), Error> {
        let put = Put::builder()
            .table_name(&self.tables.records)
            .set_item(Some(Self::rule_item(rule)?))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|_| Error::Malformed("rule"))?;
        transaction.put(put);
        Ok(())
    }

    /// Takes a rule away.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn remove_rule_in(&self, transaction: &mut Transaction, rule: &Rule) -> Result<(), Error> {
        for pk in [home(&rule.wish.target), POINTERS.to_owned()] {
            let delete = Delete::builder()
                .table_name(&self.tables.records)
                .key("pk", text(pk))
                .key("sk", text(rule_key(&rule.id)))
                .build()
                .map_err(|_| Error::Malformed("rule"))?;
            transaction.delete(delete);
        }
        Ok(())
    }

    fn rule_item(rule: &Rule) -> Result<Item, Error> {
        let item = RuleItem {
            pk: home(&rule.wish.target),
            sk: rule_key(&rule.id),
            schema: SCHEMA,
            body: json(rule, "rule")?,
        };
        to_item(&item, "rule")
    }

    /// A rule by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rule(&self, id: &RuleId) -> Result<Option<Rule>, Error> {
        let sk = rule_key(id);
        let Some(pointer) = self.record(POINTERS, &sk).await? else { return Ok(None) };
        let pointer: PointerItem = parse(pointer, "rule")?;
        self.record(&pointer.home, &sk).await?.map(read).transpose()
    }

    /// A page of all rules; `after` is the last id of the page before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_rules(
        &self,
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<Rule>, Option<String>), Error> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.records)
            .key_condition_expression("pk = :pk")
            .consistent_read(true);
        let (items, next) = page(query, POINTERS, after, limit).await?;
        let mut keys = Vec::new();
        for item in items {
            let pointer: PointerItem = parse(item, "rule")?;
            keys.push(Item::from([
                ("pk".into(), text(pointer.home)),
                ("sk".into(), text(pointer.sk)),
            ]));
        }
        let items = self.records(keys).await?.into_iter().map(read);
        let mut rules = items.collect::<Result<Vec<_>, _>>()?;
        rules.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        Ok((rules, next))
    }

    /// Every rule that may be for a car of this enrollment, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rules_for(&self, enrollment: &Enrollment) -> Result<Vec<Rule>, Error> {
        let user = enrollment.user_ref.as_ref().map(of_user);
        let homes = [Some(home(&Target::All)), user, Some(partition(&enrollment.id))];
        let mut rules = Vec::new();
        for pk in homes.into_iter().flatten() {
            let items = self.below(&self.tables.records, &pk, "RULE#").await?;
            rules.extend(items.into_iter().map(read).collect::<Result<Vec<_>, _>>()?);
        }
        rules.sort_by(|one: &Rule, other| {
            (one.created_at, one.id.as_str()).cmp(&(other.created_at, other.id.as_str()))
        });
        Ok(rules)
    }

    /// Takes away the rules on an enrollment's own cars, and, if it is the last of its user, that
    /// user's: part of an erasure, and done again if it dies.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_rules(
        &self,
        id: &EnrollmentId,
        user: Option<&UserRef>,
    ) -> Result<(), Error> {
        for pk in [Some(partition(id)), user.map(of_user)].into_iter().flatten() {
            for item in self.below(&self.tables.records, &pk, "RULE#").await? {
                let mut transaction = Transaction::new();
                self.remove_rule_in(&mut transaction, &read(item)?)?;
                self.commit(transaction).await?;
            }
        }
        Ok(())
    }
}
