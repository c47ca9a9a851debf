require ["include", "variables"];
include :once "once-b";
set "global.trace" "${global.trace} a";
