require ["variables", "vnd.mailmill"];

extract :as "money" :locale ["de", "en-US"] :currency "currency"
    :label ["Summe", "Total"] "total";
extract :as "date" :locale ["de", "en-US"] :label ["Lieferdatum", "Ship date"]
    "ships";
extract :as "datetime" :label "Pickup" "pickup";
extract :as "integer" :label ["Menge", "Quantity"] "quantity";
extract :as "phone" :country "DE" :label ["Telefon", "Phone"] "phone";
extract :as "url" :label "Track" "link";
extract :as "email" :label "Contact" "contact";
extract :as "boolean" :label "Gift" "gift";
create "Order__c" "order" {
    field "Total__c" "${total}";
    field "Currency__c" "${currency}";
    field "Ships__c" "${ships}";
    field "Pickup__c" "${pickup}";
    field "Quantity__c" "${quantity}";
    field "Phone__c" "${phone}";
    field "Link__c" "${link}";
    field "Contact__c" "${contact}";
    field "Gift__c" "${gift}";
}
