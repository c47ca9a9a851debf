require ["variables", "vnd.mailmill"];

extract :label ["Order number", "Bestellnummer", "注文番号"] "order";
extract :in ["subject", "reply"] :pattern "SN-([0-9A-F]{8})" "serial";
extract :label "Colour" :default "any" "colour";
extract :label "Model" :pattern "model ([a-z]+)" "model";
extract :in "attachment:*.csv" :pattern "^AX-310;([0-9]+)" "ordered";

create "Case" "case" {
    field "Order" "${order}";
    field "Serial" "${serial}";
    field "Colour" "${colour}";
    field "Model" "${model}";
    field "Ordered" "${ordered}";
}
