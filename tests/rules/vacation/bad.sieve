require ["vacation", "vacation-seconds"];

vacation;
vacation :days 1 :seconds 1 "x";
vacation :days "1" "x";
vacation :from "nobody" "x";
vacation :addresses 1 "x";
vacation :mime text:
Content-Type: text/plain; name=ä

x
.
;
vacation ["a", "b"];
