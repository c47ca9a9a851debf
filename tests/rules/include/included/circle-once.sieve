require ["include", "variables"];
set "global.trace" "${global.trace} circle";
include "circle-back";
