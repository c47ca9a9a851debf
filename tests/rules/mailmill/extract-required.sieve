require ["variables", "vnd.mailmill"];

extract :label "Order number" :required "no order number in it" "order";
create "Case" { field "Order" "${order}"; }
