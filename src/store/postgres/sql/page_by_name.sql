-- A page of the sessions whose name begins with a text. Few are found by the name and sorted; of many, a page is soon met on the
-- way through the list of all. What is looked at is at most {few} rows, or those among which a page of more than that many is met.
with size as materialized (
    select count(*) as matches
    from (select from {schema}.sessions where {first} limit {few} + 1) as few
),
found as (
    (
        select {record}
        -- With this offset it is planned by itself, for all its rows, and so by the index of names.
        from (select * from {schema}.sessions where {first} offset 0) as named
        where (select matches from size) <= {few} and {live}
        order by {order} limit {limit}
    )
    union all
    (
        select {record}
        from {schema}.sessions
        where (select matches from size) > {few} and {looked_at} and {live}
        order by {order} limit {limit}
    )
)
select {record} from found order by {order}
