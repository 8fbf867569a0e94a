// Starts the customer's page.
import "console/morph";
import "console/requests";
import "console/toasts";
import "console/dialogs";
import "console/times";
import "console/chat";
import "console/live";
