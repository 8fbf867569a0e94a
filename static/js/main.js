// Starts the console's pages.
import "console/morph";
import "console/requests";
import "console/theme";
import "console/menus";
import "console/toasts";
import "console/dialogs";
import "console/times";
import "console/report";
import "console/chat";
import "console/live";
import "console/desk";
import "console/alerts";
import "console/over";
