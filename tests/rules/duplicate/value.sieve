require ["duplicate", "variables"];
if header :matches "x-event" "Door*" {
    if duplicate :uniqueid "value ${0}" { discard; }
}
