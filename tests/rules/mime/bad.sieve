require ["mime", "foreverypart", "extracttext", "variables"];
if header :type "Content-Type" "text" { keep; }
if exists :anychild "Content-Type" { keep; }
if header :mime :type :subtype "Content-Type" "text" { keep; }
break;
foreverypart :name "a" { break :name "b"; }
extracttext "x";
foreverypart { foreverypart { foreverypart { foreverypart {
	foreverypart { keep; } } } } }
