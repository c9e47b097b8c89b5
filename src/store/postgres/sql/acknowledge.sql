-- Takes entries out of the log of ends. $1: their events.
with known as materialized (
    -- In this order, so that two who acknowledge the same don't wait for each other in a circle.
    select place from {schema}.ended
    where event_id = any ($1)
    order by place for update
)
delete from {schema}.ended where place = any (array(select place from known))
returning 1
