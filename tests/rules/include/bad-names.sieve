require ["include", "variables", "encoded-character"];
include "../x";
include "/x";
include "";
include "a${hex:07}";
include ".hidden";
include "a${b}";
include :personal :global "a";
