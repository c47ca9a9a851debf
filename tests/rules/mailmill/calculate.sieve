require ["variables", "vnd.mailmill"];

extract :label "Net" "net";
extract :label "Rate" "rate";
extract :label "Ordered" "ordered";
extract :label "Trick" "trick";
calculate "gross" "round(${net} * (1 + ${rate} / 100), 2)";
calculate "due" "${ordered} + 14 days";
calculate "future" "greatest(today, ${ordered}) - ${ordered}";
calculate "tricked" "${trick} * 2";
create "Order__c" "order" {
    field "Gross__c" "${gross}";
    field "Due__c" "${due}";
    field "Future__c" "${future}";
    field "Tricked__c" "${tricked}";
}
